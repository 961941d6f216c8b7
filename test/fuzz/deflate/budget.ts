// Checks that inflating one message costs processor time and memory only in proportion to its bytes.

import { encodeFrame, type MessageSink, perMessageDeflate, Protocol } from "../../../src/index.ts";
import { Random } from "../../support/random.ts";
import { corrupted, makeStream } from "./grammar.ts";
import { TAIL } from "./oracle.ts";

/** A message made of many streams of the grammar. The same numbers make the same message. */
export interface BudgetCase {
  readonly kind: "budget";
  readonly seed: number;
  /** The number of different streams, and how often all of them repeat. */
  readonly streams: number;
  readonly repeats: number;
  readonly chunk: number;
}

/** The longest message, both compressed and inflated, in bytes. */
const LONGEST = 1 << 19;
const MOST_INFLATED = 1 << 25;
/**
 * Generous multiples of measured times, in µs. The most expensive input is a block with its own codes, at about 10
 * bytes and 5 µs. A byte of output takes less than 0.01 µs, and a chunk takes 2 µs.
 */
const FIXED = 20_000;
const PER_BYTE = 3;
const PER_OUTPUT = 0.05;
const PER_CHUNK = 20;
/** Allowed memory in bytes, in addition to input and output. The slots and windows of the core already exist. */
const MEMORY = 4 << 20;
const TRIES = 5;

export function makeBudgetCase(random: Random): BudgetCase {
  return {
    kind: "budget",
    seed: random.integer(0, 0x7fff_ffff),
    streams: random.integer(1, 8),
    repeats: random.pick([1, 10, 1000, 100_000]),
    chunk: random.pick([20, 1400, 65_536, LONGEST]),
  };
}

function makeMessage({ seed, streams, repeats }: BudgetCase): Uint8Array {
  const random = new Random(seed);
  const parts = Array.from({ length: streams }, () => {
    const stream = makeStream(random, { history: 0, reach: 32_768 });
    return Buffer.concat([random.chance(0.05) ? corrupted(random, stream) : stream, TAIL]);
  });
  const once = Buffer.concat(parts);
  const times = Math.max(1, Math.min(repeats, Math.floor(LONGEST / once.length)));
  return Buffer.concat(Array.from({ length: times }, () => once));
}

interface Cost {
  /** In µs. */
  readonly time: number;
  /** In bytes. */
  readonly memory: number;
  readonly inflated: number;
  readonly chunks: number;
}

function inflate(stream: Uint8Array, chunk: number): Cost {
  let inflated = 0;
  let most = 0;
  const before = process.memoryUsage().arrayBuffers;
  const look = (length: number): void => {
    inflated += length;
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  };
  let failed = false;
  const sink: MessageSink = {
    text: ({ length }) => look(length),
    binary: ({ length }) => look(length),
    start() {},
    piece: ({ length }) => look(length),
    end() {},
    ping() {},
    pong() {},
    error() {
      failed = true;
    },
    close() {},
  };
  const extensions = [perMessageDeflate({ maxInflateRatio: Infinity })];
  const protocol = new Protocol({ role: "client", extensions, limits: { maxMessage: MOST_INFLATED } });
  const from = process.cpuUsage();
  let chunks = 0;
  for (let at = 0; at < stream.length; at += chunk, chunks++) {
    protocol.push(new Uint8Array(stream.subarray(at, at + chunk)), sink);
    while (protocol.unfinished) protocol.resume(sink);
  }
  const { user, system } = process.cpuUsage(from);
  // Output before an error is not delivered, so its length is estimated. DEFLATE reaches a ratio of up to 1032.
  if (failed) inflated = Math.max(inflated, Math.min(1032 * stream.length, MOST_INFLATED));
  return { time: user + system, memory: Math.max(most, process.memoryUsage().arrayBuffers - before), inflated, chunks };
}

/** @returns the finding, if any */
export function judgeBudget(one: BudgetCase): string | undefined {
  const payload = makeMessage(one);
  const stream = encodeFrame({ opcode: 2, rsv: 4, payload: new Uint8Array(payload) }, { role: "server" });
  let finding: string | undefined;
  for (let tries = 0; tries < TRIES; tries++) {
    const { time, memory, inflated, chunks } = inflate(stream, one.chunk);
    const allowed = FIXED + stream.length * PER_BYTE + inflated * PER_OUTPUT + chunks * PER_CHUNK;
    // The message itself and the parts it is built from. Garbage of the previous run may still exist.
    const room = MEMORY + 3 * (stream.length + inflated);
    const facts = `${payload.length} bytes in ${chunks} chunks, which inflate to ${inflated}`;
    if (time > allowed) finding = `${facts}, take ${Math.round(time)} µs: more than ${Math.round(allowed)}`;
    else if (memory > room) finding = `${facts}, take ${memory} bytes of memory: more than ${room}`;
    else return undefined;
    globalThis.gc?.();
  }
  return finding;
}
