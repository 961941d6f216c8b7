// Shared by the programs and the recipes: waiting with a time limit, and servers on free ports.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { WebSocket } from "real-ws";

/** The time limit for one promise, in milliseconds. */
const LIMIT = 10_000;

/** Resolves or rejects as the promise does, and rejects after the time limit. */
export async function within(what, promise, limit = LIMIT) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: nothing within ${limit} ms`)), limit);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits for an event, up to the time limit. Resolves with its arguments. */
export const event = (emitter, name) => within(`'${name}'`, once(emitter, name));

/** Resolves when the condition is true. */
export async function until(what, condition) {
  const end = performance.now() + LIMIT;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${LIMIT} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Listens on the loopback interface, by default on a free port. Resolves with the port. */
export async function listen(server, port = 0) {
  server.listen(port, "127.0.0.1");
  await event(server, "listening");
  return server.address().port;
}

/** A free port. */
export async function freePort() {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Runs the steps in order, then prints their names as JSON. @throws Error with the name of the step that fails */
export async function run(steps) {
  const names = Object.keys(steps);
  for (const name of names) {
    try {
      await within(name, steps[name](), 3 * LIMIT);
    } catch (cause) {
      throw new Error(name, { cause });
    }
  }
  console.log(JSON.stringify(names));
}

/** Sends messages to a server, each after the answer to the previous one, and checks the answers. */
export async function answers(url, messages, expected, protocols) {
  const socket = new WebSocket(url, protocols);
  await event(socket, "open");
  for (const [i, message] of messages.entries()) {
    socket.send(message);
    const [data, isBinary] = await event(socket, "message");
    assert.deepEqual(isBinary ? data : String(data), expected[i]);
  }
  socket.close();
  await event(socket, "close");
}

/** Checks that a server echoes text and binary messages. */
export function echoes(url) {
  const messages = ["hello", Buffer.from([1, 2, 255])];
  return answers(url, messages, messages);
}
