// What the programs and the recipes share: waiting, with a limit, and servers on free ports.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import { WebSocket } from "real-ws";

/** How long any one thing may take, in ms. */
const LIMIT = 10_000;

/** Resolves or rejects as the promise does, and rejects when that takes too long. */
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

/** The arguments of an event, which has to come in time. */
export const event = (emitter, name) => within(`'${name}'`, once(emitter, name));

/** Resolves when the condition holds. */
export async function until(what, condition) {
  const end = performance.now() + LIMIT;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`${what}: not within ${LIMIT} ms`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Listens on the loopback interface, on a free port if none is given; resolves with the port. */
export async function listen(server, port = 0) {
  server.listen(port, "127.0.0.1");
  await event(server, "listening");
  return server.address().port;
}

/** A port that is free now. */
export async function freePort() {
  const server = createServer();
  const port = await listen(server);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Runs the steps in order; prints the names of all, as JSON, when all are done. @throws Error with the name of the one that fails */
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

/** Sends messages to a server, each when the one before is answered, and holds the answers to what they have to be. */
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

/** Holds a server to its echo of text and binary messages. */
export function echoes(url) {
  const messages = ["hello", Buffer.from([1, 2, 255])];
  return answers(url, messages, messages);
}
