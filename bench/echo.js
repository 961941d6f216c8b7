// Echo: chunks in, strings, the same strings out, all that one chunk brought in one take(). Without sockets.

import { Buffer } from "node:buffer";
import { asciiBytes, Chunks, flatStrings, frame, nonAsciiBytes, Random } from "./data.js";
import { CountingSocket, Sender, WritingSocket, wsDecoder, wsframe } from "./peers.js";

const CHUNK = 65536;
const STREAM = 1 << 20;

/**
 * @typedef {object} EchoOptions
 * @property {"server" | "client"} role
 * @property {number} length of a text, in characters
 * @property {boolean} [nonAscii]
 * @property {boolean} [single] one frame in each chunk
 * @property {"echo" | "events" | "in" | "out"} how the strings are sent back at once, or after the chunk; or one half
 * @property {boolean} [shapes] the decoder has seen sinks of five shapes before
 * @property {boolean} [handedOn] ws's strings are handed on as they are, and not made bytes as a socket does
 */

/**
 * Both ways of a connection on which every text is answered with itself.
 * @param {EchoOptions} options
 * @param {number} scale of the amount of data, at most 1
 * @param {Record<string, typeof wsframe>} [engines] builds to measure side by side
 */
export function echoCase(options, scale, engines = { wsframe }) {
  const { chunks, texts, batches } = input(options, scale);
  const characters = texts.reduce((sum, text) => sum + text.length, 0);
  const wire = texts.reduce((sum, text) => sum + echoedLength(text, options.role), 0);
  /** @type {Record<string, { run: () => void, check: () => void }>} */
  const subjects = {};
  const add = (name, { run, counts }) => {
    const check = () => {
      const { messages, length, bytes } = counts;
      counts.messages = counts.length = counts.bytes = 0;
      const right =
        (options.how === "out" || (messages === texts.length && length === characters)) &&
        (options.how === "in" || bytes === wire || (name !== "wsframe" && bytes > 0));
      if (!right) throw new Error(`${name}: ${messages} messages of ${length} characters, ${bytes} bytes`);
    };
    subjects[name] = { run, check };
  };
  for (const [name, engine] of Object.entries(engines)) add(name, ours(engine, options, chunks, batches));
  add("ws", theirs(options.handedOn ? new CountingSocket() : new WritingSocket(), options, chunks, batches));
  return { subjects, units: texts.length, refresh: () => chunks.refresh() };
}

function echoedLength(text, role) {
  const { length } = Buffer.from(text);
  return length + (length < 126 ? 2 : 4) + (role === "client" ? 4 : 0);
}

/** @param {EchoOptions} options */
function input({ role, length, nonAscii, single }, scale) {
  const random = new Random();
  const frames = [];
  const payloads = [];
  for (let size = 0; size < STREAM * scale && frames.length < (single ? 4096 : Infinity);) {
    const payload = nonAscii ? nonAsciiBytes(random, length) : asciiBytes(random, length);
    frames.push(frame(1, payload, role === "server" ? random.bytes(4) : undefined));
    payloads.push(payload);
    size += frames.at(-1).length;
  }
  const chunks = single ? new Chunks(frames) : Chunks.cut(Buffer.concat(frames), CHUNK);
  const texts = flatStrings(payloads);
  const perBatch = single ? 1 : Math.ceil(texts.length / chunks.buffers.length);
  const batches = [];
  for (let i = 0; i < texts.length; i += perBatch) batches.push(texts.slice(i, i + perBatch));
  return { chunks, texts, batches };
}

/** Sinks that differ from all others in what they are made of. */
function otherShapes() {
  const rest = { header() {}, payload() {}, end() {} };
  return [
    { ...rest, text() {} },
    { text() {}, ...rest },
    { a: 1, ...rest, text: (text) => text.length },
    { b: 1, ...rest, text: (text) => text },
    rest,
  ];
}

function ours({ FrameDecoder, FrameEncoder }, { role, how, shapes }, chunks, batches) {
  const counts = { messages: 0, length: 0, bytes: 0 };
  const decoder = new FrameDecoder({ role });
  const encoder = new FrameEncoder({ role });
  const pieces = [];
  /** @type {{ type: "text", data: string }[]} */
  let events = [];
  const deliver = {
    echo(text) {
      counts.messages++;
      counts.length += text.length;
      encoder.text(text);
    },
    events(text) {
      counts.messages++;
      counts.length += text.length;
      events.push({ type: "text", data: text });
    },
    in(text) {
      counts.messages++;
      counts.length += text.length;
    },
    out() {},
  }[how];
  const sink = {
    text: deliver,
    header() {},
    payload(window, start, end) {
      pieces.push(window.slice(start, end));
    },
    end() {
      deliver(Buffer.concat(pieces).toString());
      pieces.length = 0;
    },
  };
  if (shapes) {
    for (let round = 0; round < 200; round++) {
      for (const shape of otherShapes()) new FrameDecoder({ role }).push(chunks.buffers[0], shape);
    }
  }
  const take = () => {
    for (const part of encoder.take()) counts.bytes += part.length;
  };
  const run = {
    echo() {
      for (const chunk of chunks.buffers) {
        decoder.push(chunk, sink);
        take();
      }
    },
    events() {
      for (const chunk of chunks.buffers) {
        decoder.push(chunk, sink);
        const delivered = events;
        events = [];
        for (const event of delivered) encoder.text(event.data);
        take();
      }
    },
    in() {
      for (const chunk of chunks.buffers) decoder.push(chunk, sink);
    },
    out() {
      for (const batch of batches) {
        for (let i = 0; i < batch.length; i++) encoder.text(batch[i]);
        take();
      }
    },
  }[how];
  return { run, counts };
}

function theirs(socket, { role, how }, chunks, batches) {
  const counts = { messages: 0, length: 0, bytes: 0 };
  const sender = new Sender(socket);
  const options = { binary: false, mask: role === "client", fin: true, compress: false };
  const receive = wsDecoder(role, (data) => {
    const text = data.toString();
    counts.messages++;
    counts.length += text.length;
    if (how !== "in") sender.send(text, options);
  });
  const flush = () => {
    if (socket instanceof WritingSocket) socket.flush();
    counts.bytes += socket.take();
  };
  const run =
    how === "out"
      ? () => {
          for (const batch of batches) {
            for (let i = 0; i < batch.length; i++) sender.send(batch[i], options);
            flush();
          }
        }
      : () => {
          for (const chunk of chunks.buffers) {
            receive(chunk);
            if (how !== "in") flush();
          }
        };
  return { run, counts };
}
