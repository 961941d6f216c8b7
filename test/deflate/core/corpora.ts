// Data that should or should not be compressed, the same in every run.

import { readFileSync } from "node:fs";
import { marked } from "marked";
import { Random } from "../../support/random.ts";
import { json, mixed } from "../support/messages.ts";

const SIZE = 131072;
const root = new URL("../../../", import.meta.url);

/** Readings of a sensor, as float32. */
function readings(random: Random): Uint8Array {
  const values = new Float32Array(SIZE / 4);
  for (let i = 0; i < values.length; i++) values[i] = 20 + Math.sin(i / 50) + Math.round(random.next() * 8) / 64;
  return new Uint8Array(values.buffer);
}

function runs(random: Random): Uint8Array {
  const bytes = new Uint8Array(SIZE);
  for (let at = 0; at < SIZE;) {
    const end = at + random.integer(1, 2000);
    const period = random.bytes(random.integer(1, 20));
    for (; at < Math.min(end, SIZE); at++) bytes[at] = period[at % period.length]!;
  }
  return bytes;
}

function file(path: string): string {
  return readFileSync(new URL(path, root), "utf8");
}

function text(content: string): Uint8Array {
  return new TextEncoder().encode(content).subarray(0, SIZE);
}

export const corpora: Readonly<Record<string, Uint8Array>> = {
  json: json(new Random(1), SIZE),
  html: text(marked.parse(file("docs/api.md"), { async: false })),
  "minified JavaScript": text(file("node_modules/pako/dist/browser/pako.umd.min.js")),
  binary: readings(new Random(2)),
  mixed: mixed(new Random(3), SIZE),
  random: new Random(4).bytes(SIZE),
  runs: runs(new Random(5)),
};

/** A part of one of the corpora. */
export function sample(random: Random, length: number): Uint8Array {
  const corpus = random.pick(Object.values(corpora));
  const start = random.integer(0, Math.max(0, corpus.length - length));
  return corpus.subarray(start, start + length);
}
