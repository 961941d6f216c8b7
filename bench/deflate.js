// Measures compressed echoes with context takeover in both directions.

import { createRequire } from "node:module";
import { dirname } from "node:path";
import { summarize } from "./measure.js";
import { KeepingSocket, Receiver, Sender, wsframe } from "./peers.js";
import { Answers, Recorded } from "./recorded.js";

const { perMessageDeflate, Protocol } = wsframe;
const require = createRequire(import.meta.url);
const PerMessageDeflate = require(`${dirname(require.resolve("ws/package.json"))}/lib/permessage-deflate.js`);

/** Both also compress short messages. All other options have their defaults. */
const OPTIONS = { threshold: 0 };

/** The parameters of the response in a handshake. */
/** @returns {import("wsframe").ExtensionParameters} */
function agreedOn(windowBits) {
  return windowBits === undefined ? [] : [["client_max_window_bits", String(windowBits)]];
}

/**
 * A server's connection, without its socket.
 * @param {{ windowBits?: number }} [agreed] the client's window
 * @returns {{ answer: (chunk: Buffer) => Uint8Array[], protocol: object }} the bytes to write in response to a chunk
 */
export function wsframeConnection({ windowBits } = {}) {
  const extension = perMessageDeflate(OPTIONS);
  const protocol = new Protocol({ role: "server", extensions: [{ extension, parameters: agreedOn(windowBits) }] });
  const sink = {
    text: (data) => protocol.send(data),
    binary() {},
    ping() {},
    pong() {},
    error(error) {
      throw error;
    },
    close() {},
  };
  const answer = (chunk) => {
    protocol.push(chunk, sink);
    return protocol.take();
  };
  return { answer, protocol };
}

/** Resolves when a message has been written, because ws compresses some time after send(). */
class AnsweringSocket extends KeepingSocket {
  write(chunk, callback) {
    super.write(chunk);
    callback?.();
    return true;
  }
}

/**
 * Makes a server's connection of ws, without its socket.
 * @param {{ windowBits?: number }} [agreed]
 * @returns {{ answer: (chunk: Buffer) => Promise<Buffer[]> }} for a chunk of one message
 */
export function wsConnection({ windowBits } = {}) {
  const clientMaxWindowBits = windowBits === undefined ? {} : { clientMaxWindowBits: windowBits };
  const deflate = new PerMessageDeflate({ ...OPTIONS, ...clientMaxWindowBits, isServer: true });
  deflate.accept([windowBits === undefined ? {} : { client_max_window_bits: [true] }]);
  const extensions = { "permessage-deflate": deflate };
  const socket = new AnsweringSocket();
  const receiver = new Receiver({ isServer: true, extensions, maxPayload: 0, allowSynchronousEvents: true });
  const sender = new Sender(socket, extensions);
  let done = () => {};
  receiver.on("error", (error) => {
    throw error;
  });
  receiver.on("message", (data) => {
    sender.send(data.toString(), { binary: false, mask: false, fin: true, compress: true }, () => done());
  });
  const answer = (chunk) =>
    new Promise((resolve) => {
      done = () => resolve(socket.chunks.splice(0));
      receiver.write(chunk);
    });
  return { answer };
}

/** Takes the connections in turn, message by message, as with sockets that become readable one after another. */
async function wsframeTurns(connections, from, to) {
  for (let i = from; i < to; i++) {
    for (const { answer, frames, answers } of connections) answers.push(answer(frames[i]));
  }
}

/** All connections at once, each with one message in flight, because ws compresses on other threads. */
async function wsTurns(connections, from, to) {
  await Promise.all(
    connections.map(async ({ answer, frames, answers }) => {
      for (let i = from; i < to; i++) answers.push(await answer(frames[i]));
    }),
  );
}

/** Nanoseconds per message, in elapsed time and in processor time of all threads. */
async function timed(turns, connections, from, to) {
  const cpu = process.cpuUsage();
  const start = performance.now();
  await turns(connections, from, to);
  const wall = performance.now() - start;
  const { user, system } = process.cpuUsage(cpu);
  const messages = (to - from) * connections.length;
  return { wall: (wall * 1e6) / messages, cpu: ((user + system) * 1e3) / messages };
}

/** Checks all answers and returns the number of payload bytes. */
function verified(connections) {
  let bytes = 0;
  for (const { answers, expected } of connections) {
    for (const parts of answers.splice(0)) {
      bytes += expected.verify(Buffer.concat(parts));
    }
  }
  return bytes;
}

/**
 * Echoes messages on `connections` connections: nanoseconds per message, in elapsed time and processor time. The
 * connections stay open from round to round. Each has its own messages, and no message repeats.
 * @param {{ corpus: import("./corpora.js").Corpus, connections: number }} options
 * @param {{ rounds: number, warmUp: number, count: number }} timing messages of each connection: before the first
 * round, and in each
 */
export async function compressedEcho({ corpus, connections }, { rounds, warmUp, count }) {
  const total = warmUp + rounds * count;
  const recorded = Array.from({ length: connections }, (_, i) => new Recorded(corpus, total, i));
  const connect = (make) =>
    recorded.map((each) => ({
      ...make(),
      frames: each.frames(),
      answers: [],
      expected: new Answers(each.messages),
    }));
  const peers = {
    wsframe: { connections: connect(wsframeConnection), turns: wsframeTurns },
    ws: { connections: connect(wsConnection), turns: wsTurns },
  };
  const found = { wsframe: { wall: [], cpu: [], bytes: 0 }, ws: { wall: [], cpu: [], bytes: 0 } };
  for (let round = -1; round < rounds; round++) {
    const [from, to] = round < 0 ? [0, warmUp] : [warmUp + round * count, warmUp + (round + 1) * count];
    for (const name of round % 2 ? ["ws", "wsframe"] : ["wsframe", "ws"]) {
      const { connections, turns } = peers[name];
      const { wall, cpu } = await timed(turns, connections, from, to);
      const bytes = verified(connections);
      if (round < 0) continue;
      found[name].wall.push(wall);
      found[name].cpu.push(cpu);
      found[name].bytes += bytes;
    }
  }
  const sent = recorded.reduce((sum, each) => sum + each.length(warmUp, total), 0);
  const ratio = ({ bytes }) => (bytes / sent).toFixed(3);
  const each = (figure) => ({ wsframe: summarize(found.wsframe[figure]), ws: summarize(found.ws[figure]) });
  return {
    wall: each("wall"),
    cpu: each("cpu"),
    notes: [`level -1, the default: compressed to ${ratio(found.wsframe)} of its length, by ws to ${ratio(found.ws)}`],
  };
}
