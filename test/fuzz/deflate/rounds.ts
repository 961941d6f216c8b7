// Rounds of the fuzzer for the deflate core: a batch of connections in both directions, compared with zlib.

import { Random } from "../../support/random.ts";
import { makeData, makeLength } from "./data.ts";
import { Deflation, type DeflationJob, deflatePlaces, makeDeflationJob, type Sent } from "./deflation.ts";
import { corrupted, makeStream } from "./grammar.ts";
import { inflatePlaces, Inflation, type InflationJob, type Outcome } from "./inflation.ts";
import { type DeflateJob, FLUSH, type InflateJob, type Oracle, type Segment } from "./oracle.ts";
import type { WatchedCore } from "./watched-core.ts";

export interface Counts {
  /** Messages from zlib that the core inflated. */
  inflated: number;
  /** Messages from the core that zlib inflated. */
  deflated: number;
  /** Messages that were corrupted or made from the grammar, without the messages around them. */
  corrupted: number;
  /** How many of these messages both zlib and the core inflated. */
  understood: number;
  /**
   * How many of these messages the core refused because of a match beyond the agreed window, which zlib detects only
   * after it has returned its
   * output.
   */
  tooFar: number;
}

/** A difference from the expected result. */
export class Finding extends Error {
  override name = "Finding";
}

/** The number of connections in each direction that run at the same time. */
const AT_ONCE = 6;
/** How often each stream of zlib is corrupted. */
const TIMES_SPOILED = 4;
const NOTHING = new Uint8Array(0);

/** Runs jobs interleaved, one step at a time in random order. */
function interleave(random: Random, jobs: readonly (() => { step(): boolean })[]): void {
  const running: { step(): boolean }[] = [];
  let next = 0;
  while (running.length > 0 || next < jobs.length) {
    while (running.length < AT_ONCE && next < jobs.length) running.push(jobs[next++]!());
    const at = random.integer(0, running.length - 1);
    if (!running[at]!.step()) running.splice(at, 1);
  }
}

function makeDeflateJob(random: Random, { flushes }: Oracle): DeflateJob {
  const segments: Segment[] = [];
  const middles = flushes.filter((flush) => flush !== FLUSH.FINISH);
  const finishes = random.chance(0.2);
  let before: Uint8Array = NOTHING;
  for (let messages = random.chance(0.1) ? random.integer(3, 12) : random.integer(1, 2); messages > 0; messages--) {
    for (let count = random.chance(0.7) ? 1 : random.integer(2, 6); count > 0; count--) {
      const ends = count === 1;
      let data = makeData(random, makeLength(random, 70_000));
      if (before.length > 0 && random.chance(0.3))
        data = Buffer.concat([before.subarray(-random.integer(1, 300)), data]);
      before = data;
      const flush =
        finishes && random.chance(0.5)
          ? FLUSH.FINISH
          : ends
            ? random.pick([FLUSH.SYNC, FLUSH.FULL])
            : random.pick(middles);
      segments.push({ data, flush, ends });
    }
  }
  return {
    level: random.integer(-1, 9),
    windowBits: random.chance(0.6) ? 15 : random.integer(9, 15),
    memLevel: random.chance(0.7) ? random.integer(1, 4) : random.integer(5, 9),
    strategy: random.chance(0.6) ? 0 : random.integer(1, 4),
    segments,
  };
}

/** The original messages of a job. */
function messagesOf({ segments }: DeflateJob): Uint8Array[] {
  const messages: Uint8Array[] = [];
  let parts: Uint8Array[] = [];
  for (const { data, ends } of segments) {
    parts.push(data);
    if (!ends) continue;
    messages.push(Buffer.concat(parts));
    parts = [];
  }
  return messages;
}

function hex(bytes: Uint8Array): string {
  return bytes.length > 4000 ? `${bytes.length} bytes` : Buffer.from(bytes).toString("hex");
}

function describe(job: object): string {
  return JSON.stringify(job, function replace(this: Record<string, unknown>, key: string, value: unknown) {
    // Buffers have their own toJSON().
    const own = this[key];
    return own instanceof Uint8Array ? hex(own) : value;
  });
}

function same(actual: Uint8Array, expected: Uint8Array, what: () => string): void {
  if (Buffer.compare(actual, expected) === 0) return;
  let at = 0;
  while (at < actual.length && actual[at] === expected[at]) at++;
  throw new Finding(`byte ${at} of ${expected.length} (${actual.length} received): ${what()}`);
}

export interface RoundSettings {
  readonly core: WatchedCore;
  readonly oracle: Oracle;
  /** The number of connections of each kind. */
  readonly size: number;
}

/** Runs the round of a seed. @throws Finding, Stray, OutOfBounds */
export function runRound(seed: number, { core, oracle, size }: RoundSettings): Counts {
  const random = new Random(seed);
  const counts: Counts = { inflated: 0, deflated: 0, corrupted: 0, understood: 0, tooFar: 0 };

  const deflateJobs = Array.from({ length: size }, () => makeDeflateJob(random, oracle));
  const streams = oracle.deflate(deflateJobs);
  counts.inflated += inflateAll(core, random, deflateJobs, streams);

  const wrongJobs = [
    ...streams.flatMap((messages, i) =>
      Array.from({ length: TIMES_SPOILED }, () => spoiled(random, messages, deflateJobs[i]!.windowBits)),
    ),
    ...Array.from({ length: size }, () => invented(random)),
  ];
  const inflateJobs = wrongJobs.map((job): InflateJob => ({
    ...job,
    step: oracle.steps && random.chance(0.1) ? 1 : 0,
  }));
  const outcomes = runInflations(core, random, wrongJobs);

  const deflationJobs = Array.from({ length: size }, () => makeDeflationJob(random));
  const sent = deflateAll(core, random, deflationJobs);
  const readers = sent.map((messages, i): InflateJob => reader(random, oracle, messages, deflationJobs[i]!));

  const results = oracle.inflate([...inflateJobs, ...readers]);
  for (const [i, job] of inflateJobs.entries())
    compareOutcomes(job, wrongJobs[i]!, outcomes[i]!, results[i]!, oracle, counts);
  for (const [i, messages] of sent.entries()) {
    for (const [k, { outcome, data }] of results[inflateJobs.length + i]!.entries()) {
      const what = (): string => `message ${k} of ${describe({ ...deflationJobs[i]!, messages })}`;
      if (outcome !== "ok") throw new Finding(`zlib reports "${outcome}" for a sent message: ${what()}`);
      same(data, messages[k]!.message, what);
      counts.deflated++;
    }
  }
  return counts;
}

function runInflations(core: WatchedCore, random: Random, jobs: readonly InflationJob[]): Outcome[][] {
  const places = inflatePlaces();
  const all: Outcome[][] = [];
  interleave(
    random,
    jobs.map((job, i) => () => {
      const inflation = new Inflation(core, places, new Random(random.integer(0, 2 ** 31)), job);
      all[i] = inflation.outcomes;
      return inflation;
    }),
  );
  return all;
}

/** Inflates valid streams. @returns the number of messages */
function inflateAll(
  core: WatchedCore,
  random: Random,
  jobs: readonly DeflateJob[],
  streams: readonly Uint8Array[][],
): number {
  let count = 0;
  const inflations = jobs.map(({ windowBits }, i) => ({ windowBits, dictionary: NOTHING, messages: streams[i]! }));
  const all = runInflations(core, random, inflations);
  for (const [i, outcomes] of all.entries()) {
    for (const [k, expected] of messagesOf(jobs[i]!).entries()) {
      const outcome = outcomes[k];
      const what = (): string => `message ${k} of ${describe(inflations[i]!)}`;
      if (outcome?.outcome !== "ok") throw new Finding(`"${outcome?.outcome}" for a message from zlib: ${what()}`);
      same(outcome.data, expected, what);
      count++;
    }
  }
  return count;
}

interface WrongJob extends InflationJob {
  /** The index of the invalid message, or undefined if all may be invalid. */
  readonly wrong: number | undefined;
}

/** A job with one invalid message. */
function spoiled(random: Random, messages: readonly Uint8Array[], windowBits: number): WrongJob {
  const at = random.integer(0, messages.length - 1);
  return {
    wrong: at,
    windowBits: random.chance(0.9) ? windowBits : random.integer(8, 15),
    dictionary: NOTHING,
    messages: messages.map((message, i) => (i === at ? corrupted(random, message) : message)),
  };
}

function invented(random: Random): WrongJob {
  const windowBits = random.chance(0.6) ? 15 : random.integer(8, 15);
  const history = random.chance(0.3) ? 0 : random.chance(0.9) ? random.integer(1, 300) : random.integer(1, 40_000);
  const dictionary = makeData(random, history);
  const messages = Array.from({ length: random.integer(1, 2) }, () => {
    if (random.chance(0.03)) return random.bytes(random.integer(0, 60));
    const stream = makeStream(random, { history, reach: 2 ** windowBits });
    return random.chance(0.2) ? corrupted(random, stream) : stream;
  });
  return { wrong: undefined, windowBits, dictionary, messages };
}

function compareOutcomes(
  job: InflateJob,
  { wrong }: WrongJob,
  outcomes: readonly Outcome[],
  results: readonly { readonly outcome: string; readonly data: Uint8Array }[],
  oracle: Oracle,
  counts: Counts,
): void {
  for (const [i, { outcome, data }] of results.entries()) {
    const ours = outcomes[i];
    if (ours === undefined) {
      if (outcome !== "skipped") throw new Finding(`message ${i} was not inflated: ${describe(job)}`);
      return;
    }
    const isCounted = wrong === undefined || i === wrong;
    if (isCounted) counts.corrupted++;
    const what = (): string => `message ${i}, zlib finds "${outcome}", the core "${ours.outcome}": ${describe(job)}`;
    // zlib detects a match that reaches too far back only after its output has been returned, if the match is within
    // zlib's own window.
    if (ours.tooFar && job.windowBits < 15 && job.step === 0) {
      counts.tooFar++;
      if (oracle.steps || outcome === "ok") same(ours.data, data.subarray(0, ours.data.length), what);
      return;
    }
    if (ours.outcome === "too long" || outcome === "too long") {
      const length = Math.min(ours.data.length, data.length);
      same(ours.data.subarray(0, length), data.subarray(0, length), what);
      return;
    }
    const failed =
      outcome === "wrong" || outcome === "end"
        ? ours.outcome === "wrong" || ours.outcome === "end"
        : ours.outcome === outcome;
    if (!failed) throw new Finding(what());
    // Output before the error has been delivered. node:zlib does not return it.
    if (oracle.steps || outcome === "ok") same(ours.data, data, what);
    if (isCounted && outcome === "ok") counts.understood++;
  }
}

/** Output must not depend on slots and segments. */
function deflateAll(core: WatchedCore, random: Random, jobs: readonly DeflationJob[]): Sent[][] {
  const twice = [0, 1].map(() => {
    const places = deflatePlaces();
    const all: Sent[][] = [];
    const order = shuffled(random, [...jobs.keys()]);
    interleave(
      random,
      order.map((i) => () => {
        const deflation = new Deflation(core, places, new Random(random.integer(0, 2 ** 31)), jobs[i]!);
        all[i] = deflation.sent;
        return deflation;
      }),
    );
    return all;
  });
  for (const [i, messages] of twice[0]!.entries()) {
    for (const [k, { encoded }] of messages.entries()) {
      same(twice[1]![i]![k]!.encoded, encoded, () => `message ${k} depends on others: ${describe(jobs[i]!)}`);
    }
  }
  return twice[0]!;
}

function shuffled<T>(random: Random, values: readonly T[]): T[] {
  const left = [...values];
  for (let i = left.length - 1; i > 0; i--) {
    const other = random.integer(0, i);
    [left[i], left[other]] = [left[other]!, left[i]!];
  }
  return left;
}

/** A reader that keeps only the window. */
function reader(random: Random, oracle: Oracle, messages: readonly Sent[], { reach }: DeflationJob): InflateJob {
  const windowBits = Math.max(8, Math.ceil(Math.log2(reach)));
  const length = messages.reduce((sum, { message }) => sum + message.length, 0);
  const held = windowBits < 15 ? length < 3000 || random.chance(0.1) : random.chance(0.02);
  return {
    windowBits,
    step: oracle.steps && held ? 1 : 0,
    dictionary: NOTHING,
    messages: messages.map(({ encoded }) => encoded),
  };
}
