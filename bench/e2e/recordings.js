// Writes the messages that load.c sends with permessage-deflate. recordings.h describes the file.

import { writeFileSync } from "node:fs";
import { texts } from "../corpora.js";
import { compressedFrame, deflateAfter, WINDOW } from "../recorded.js";

/**
 * @typedef {object} Recordings
 * @property {import("../corpora.js").Corpus} corpus
 * @property {number} streams how many connections have their own messages; later connections send the same ones
 * @property {number} messages messages of each before they repeat; together longer than twice the window
 */

function u32(numbers) {
  return Buffer.from(Uint32Array.from(numbers).buffer);
}

function run(pieces) {
  return [u32(pieces.map(({ length }) => length)), ...pieces];
}

/**
 * The frames of one connection. Its messages are compressed twice, so that the second time ends with the context with
 * which it begins.
 */
function recording(messages, connection) {
  const twice = Buffer.concat([...messages, ...messages]);
  const frames = [];
  let offset = 0;
  for (const message of [...messages, ...messages]) {
    frames.push(masked(deflateAfter(twice.subarray(Math.max(0, offset - WINDOW), offset), message), connection));
    offset += message.length;
  }
  const alone = messages.map((message) => masked(deflateAfter(Buffer.alloc(0), message), connection));
  const first = frames.slice(0, messages.length);
  const again = frames.slice(messages.length);
  return [messages, first, again, alone].flatMap(run);
}

function masked(payload, connection) {
  return compressedFrame(payload, Buffer.from([connection, payload.length, 0x5a, 0xc3]));
}

/**
 * @param {string} file
 * @param {Recordings} recordings
 */
export function writeRecordings(file, { corpus, streams, messages }) {
  const each = Array.from({ length: streams }, (_, i) => recording(texts(corpus, messages, i), i));
  writeFileSync(file, Buffer.concat([u32([streams, messages]), ...each.flat()]));
}
