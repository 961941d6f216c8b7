// Measures only inflating and compressing: wsframe's sessions of permessage-deflate, the core in them, and zlib in C,
// on the same messages.

import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { summarize } from "../measure.js";
import { wsframe } from "../peers.js";
import { inflateAfter, Recorded, TAIL } from "../recorded.js";
import { CoreDeflater, CoreInflater, SLOTS } from "./core.js";

const SOURCE = fileURLToPath(new URL("./zlib.c", import.meta.url));

/** Compiles zlib.c. Returns the reason if that fails, or undefined. */
function compile(program) {
  try {
    execFileSync(process.env.CC ?? "cc", ["-O3", "-o", program, SOURCE, "-lz"], { stdio: "pipe" });
    return undefined;
  } catch (error) {
    if (error.code === "ENOENT") return "no C compiler was found";
    if (String(error.stderr).includes("zlib.h")) return "zlib.h was not found";
    throw error;
  }
}

/** The messages of one connection, in the form for each codec. */
function streamOf(corpus, count, connection) {
  const recorded = new Recorded(corpus, count, connection);
  const { messages, payloads } = recorded;
  return { recorded, messages, payloads, inputs: payloads.map((payload) => Buffer.concat([payload, TAIL])) };
}

function writeMessages(file, streams) {
  const u32 = (...numbers) => Buffer.from(Uint32Array.from(numbers).buffer);
  const parts = [u32(streams.length, streams[0].messages.length)];
  for (const { messages, inputs } of streams) {
    for (const [i, message] of messages.entries()) {
      parts.push(u32(message.length), message, u32(inputs[i].length), inputs[i]);
    }
  }
  writeFileSync(file, Buffer.concat(parts));
}

const openSession = () => wsframe.perMessageDeflate({ threshold: 0 }).open("server", []);

/** Makes a codec for each stream, by the name of its measurement. `run` returns the output for message `i`. */
const SUBJECTS = {
  inflate: {
    session({ payloads }) {
      const session = openSession();
      return (i) => session.decode({ payload: payloads[i], maxLength: Infinity, byteOffset: 0 });
    },
    core({ inputs, messages }, index) {
      const inflater = new CoreInflater(index);
      return (i) => inflater.run(inputs[i], messages[i].length);
    },
  },
  deflate: {
    session({ messages }) {
      const session = openSession();
      return (i) => session.encode({ payload: messages[i], text: true, first: true, last: true, compress: true });
    },
    core({ messages }, index) {
      const deflater = new CoreDeflater(index);
      return (i) => deflater.run(messages[i]);
    },
  },
};

/** Whether the output is correct according to zlib. */
const CORRECT = {
  inflate: ({ messages }, i, data) => messages[i].equals(data),
  deflate: ({ messages, recorded }, i, data) => messages[i].equals(inflateAfter(recorded.contextOf(i), data)),
};

/** Runs all messages through new codecs, one for each stream, and calls `see` with the output. */
function verify(work, make, streams) {
  const runs = streams.map(make);
  for (let i = 0; i < streams[0].messages.length; i++) {
    for (const [j, stream] of streams.entries()) {
      if (!CORRECT[work](stream, i, runs[j](i))) throw new Error(`${work}: message ${i} of stream ${j} is wrong`);
    }
  }
}

/** Nanoseconds per message after the first `warmUp` of each stream, and the number of output bytes. */
function once(make, streams, warmUp) {
  const runs = streams.map(make);
  const count = streams[0].messages.length;
  for (let i = 0; i < warmUp; i++) for (const run of runs) run(i);
  let bytes = 0;
  const start = performance.now();
  for (let i = warmUp; i < count; i++) for (const run of runs) bytes += run(i).length;
  const time = performance.now() - start;
  return { time: (time * 1e6) / ((count - warmUp) * streams.length), bytes };
}

/**
 * Runs the codecs on live streams, message by message, taking the streams in turn.
 * @param {{ corpus: import("../corpora.js").Corpus }} options
 * @param {{ streams: number, count: number, warmUp: number, rounds: number }} timing
 */
export function codecAlone({ corpus }, { streams: many, count, warmUp, rounds }) {
  const folder = mkdtempSync(join(tmpdir(), "wsframe-zlib-"));
  try {
    const program = join(folder, "zlib");
    const skipped = compile(program);
    if (skipped) return { skipped };
    const streams = Array.from({ length: Math.min(many, SLOTS) }, (_, i) => streamOf(corpus, count, i));
    const file = join(folder, "messages");
    writeMessages(file, streams);
    const zlib = () =>
      JSON.parse(execFileSync(program, [file, String(warmUp), String(Math.ceil(rounds / 4))], { encoding: "utf8" }));
    // zlib runs before and after, because other work on the machine slows down some runs.
    const before = zlib();
    const ours = measureOurs(streams, warmUp, rounds);
    return compared(ours, [before, zlib()]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function measureOurs(streams, warmUp, rounds) {
  const found = { inflate: {}, deflate: {} };
  for (const [work, makers] of Object.entries(SUBJECTS)) {
    for (const [name, make] of Object.entries(makers)) {
      verify(work, make, streams);
      found[work][name] = { times: [], bytes: 0 };
    }
  }
  for (let round = 0; round < rounds; round++) {
    for (const [work, makers] of Object.entries(SUBJECTS)) {
      for (const [name, make] of Object.entries(makers)) {
        const { time, bytes } = once(make, streams, warmUp);
        found[work][name].times.push(time);
        found[work][name].bytes = bytes;
      }
    }
  }
  const length = streams.reduce((sum, { messages }) => sum + Buffer.concat(messages.slice(warmUp)).length, 0);
  return { ...found, length };
}

const microseconds = (ns) => (ns / 1000).toFixed(2);

function compared({ inflate, deflate, length }, runs) {
  const ratio = deflate.core.bytes / length;
  const levels = runs[0].deflate.map(({ level, ratio }, i) => {
    return { level, ratio, times: runs.map((run) => run.deflate[i].time * 1000) };
  });
  const nearest = levels.toSorted((a, b) => Math.abs(a.ratio - ratio) - Math.abs(b.ratio - ratio))[0];
  const summary = (work) => ({
    session: summarize(work.session.times),
    core: summarize(work.core.times),
  });
  const best = ({ level, ratio, times }) => `${level}: ${ratio.toFixed(3)} ${microseconds(Math.min(...times))}`;
  return {
    inflate: { ...summary(inflate), "zlib in C": summarize(runs.map((run) => run.inflate * 1000)) },
    deflate: { ...summary(deflate), "zlib in C": summarize(nearest.times) },
    notes: [
      `compressed to ${ratio.toFixed(3)} of its length at level -1, the default, by zlib to ${nearest.ratio.toFixed(3)} at the nearest level, ${nearest.level}`,
      `zlib ${runs[0].version}, level: ratio and µs of deflate: ${levels.map(best).join(", ")}`,
    ],
  };
}
