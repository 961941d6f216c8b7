// Compressed messages in and out, with context takeover both ways, and what an idle connection of that kind holds.

import { createRequire } from "node:module";
import { dirname } from "node:path";
import { Random } from "./data.js";
import { summarize } from "./measure.js";
import { KeepingSocket, Receiver, Sender, wsframe } from "./peers.js";

const { perMessageDeflate, Protocol } = wsframe;
const require = createRequire(import.meta.url);
const PerMessageDeflate = require(`${dirname(require.resolve("ws/package.json"))}/lib/permessage-deflate.js`);

const NAMES = ["Ada", "Grace", "Edsger", "Barbara", "Donald", "Leslie", "Frances", "Tony"];
const WORDS = "the quick brown fox jumps over a lazy dog while seven wizards quietly brew strong coffee at dawn".split(
  " ",
);

/**
 * A message as an application sends it, of about 1 KB: the same keys each time, other values.
 * @param {Random} random
 */
export function jsonMessage(random) {
  const items = [];
  while (JSON.stringify(items).length < 900) {
    items.push({
      id: random.next(),
      user: NAMES[random.below(NAMES.length)],
      price: random.below(100_000) / 100,
      active: random.below(2) === 1,
      text: Array.from({ length: 6 }, () => WORDS[random.below(WORDS.length)]).join(" "),
    });
  }
  return JSON.stringify({ type: "update", sequence: random.below(1 << 20), items });
}

/** What clients send: messages, and the bytes of their frames, compressed by wsframe. */
function input(count) {
  const random = new Random();
  const messages = Array.from({ length: count }, () => jsonMessage(random));
  const client = new Protocol({ role: "client", extensions: [perMessageDeflate({ threshold: 0 })] });
  for (const message of messages) client.send(message);
  return { messages, stream: Buffer.concat(client.take()) };
}

/** @returns {(chunk: Buffer) => Buffer[]} */
export function wsframeConnection() {
  const server = new Protocol({ role: "server", extensions: [perMessageDeflate({ threshold: 0 })] });
  return (chunk) => {
    for (const event of server.receive(chunk)) {
      if (event.type === "text") server.send(event.data);
      if (event.type === "error") throw event.error;
    }
    return server.take();
  };
}

/** Says when a message has been written: ws compresses it some time after send(). */
class AnsweringSocket extends KeepingSocket {
  write(chunk, callback) {
    super.write(chunk);
    callback?.();
    return true;
  }
}

/** @returns {(chunk: Buffer, messages: number) => Promise<Buffer[]>} */
export function wsConnection() {
  const deflate = new PerMessageDeflate({ threshold: 0, isServer: true });
  deflate.accept([{}]);
  const extensions = { "permessage-deflate": deflate };
  const socket = new AnsweringSocket();
  const receiver = new Receiver({ isServer: true, extensions, maxPayload: 0, allowSynchronousEvents: true });
  const sender = new Sender(socket, extensions);
  let left = 0;
  let done = () => {};
  receiver.on("error", (error) => {
    throw error;
  });
  receiver.on("message", (data) => {
    sender.send(data.toString(), { binary: false, mask: false, fin: true, compress: true }, () => {
      if (--left === 0) done();
    });
  });
  return (chunk, messages) =>
    new Promise((resolve) => {
      left = messages;
      done = () => resolve(socket.chunks.splice(0));
      receiver.write(chunk);
    });
}

/** The messages of a server's frames, read by a client of wsframe's. */
function read(parts) {
  const client = new Protocol({ role: "client", extensions: [perMessageDeflate()] });
  return parts.flatMap((part) => client.receive(part)).map((event) => event.data);
}

/**
 * 1 KB of JSON in and out on `connections` connections, each message answered with the same: nanoseconds for one, of the
 * clock on the wall. ws compresses on other threads.
 * @param {{ connections: number }} options
 */
export async function compressedEcho({ connections }, { rounds, count }) {
  const { messages, stream } = input(count);
  const peers = {
    async wsframe() {
      return Array.from({ length: connections }, () => wsframeConnection()(Buffer.from(stream)));
    },
    ws() {
      return Promise.all(Array.from({ length: connections }, () => wsConnection()(Buffer.from(stream), count)));
    },
  };
  /** @type {Record<string, number[]>} */
  const found = { wsframe: [], ws: [] };
  for (let round = 0; round < rounds; round++) {
    for (const name of round % 2 ? ["ws", "wsframe"] : ["wsframe", "ws"]) {
      const start = performance.now();
      const answers = await peers[name]();
      const time = performance.now() - start;
      if (round > 0) found[name].push((time * 1e6) / (count * connections));
      const seen = read(answers[answers.length - 1]);
      if (seen.length !== count || !seen.every((one, i) => one === messages[i])) throw new Error(`${name} is wrong`);
    }
  }
  return { wsframe: summarize(found.wsframe), ws: summarize(found.ws) };
}
