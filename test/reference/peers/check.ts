// Runs peers on streams, and compares the results with the RFC and with the table of differences.

import type { Rule } from "../decoder.ts";
import { Random } from "../../support/random.ts";
import { byteByByte, cutAt } from "../../support/run.ts";
import type { Case } from "./corpus.ts";
import { type Row, ROWS } from "./differences.ts";
import { type Laxness, predict, type Treatment } from "./lax.ts";
import type { Found, Input, Peer } from "./peer.ts";

/** The longest stream that also arrives byte by byte. */
const MAX_BYTE_BY_BYTE = 5000;

/** A stream and the chunks in which it arrives. */
export interface Arrival {
  readonly one: Case;
  /** "whole", "byte by byte", "cut". */
  readonly way: string;
  readonly input: Input;
}

/** Each case in one piece, byte by byte, and in random pieces. */
export function arrivals(cases: readonly Case[], seed = 1): Arrival[] {
  const random = new Random(seed);
  return cases.flatMap((one) => {
    const { stream, role } = one;
    const cuts: number[] = [];
    for (let at = random.integer(1, 12); at < stream.length; at += random.integer(1, random.pick([4, 40, 4000]))) {
      cuts.push(at);
    }
    const ways: Arrival[] = [{ one, way: "whole", input: { role, chunks: [stream] } }];
    if (stream.length > MAX_BYTE_BY_BYTE) return ways;
    ways.push({ one, way: "byte by byte", input: { role, chunks: byteByByte(stream) } });
    ways.push({ one, way: "cut", input: { role, chunks: cutAt(stream, cuts) } });
    return ways;
  });
}

/** The combined effect of a peer's rows. */
export function laxnessOf(rows: readonly Row[], role: Input["role"]): Laxness {
  const rules = new Map<Rule, Treatment>();
  let first: readonly Rule[] | undefined;
  let limit: number | undefined;
  let refuses: Laxness["refuses"];
  for (const row of rows) {
    if ("rules" in row && (row.role ?? role) === role) {
      for (const rule of row.rules) rules.set(rule, row);
    } else if ("first" in row) {
      first = row.first;
    } else if ("refuses" in row) {
      refuses = row.refuses;
    } else if ("limit" in row) {
      limit = row.limit;
      rules.set("length-limit", { when: "length", closeCode: row.closeCode });
    }
  }
  return { rules, first, limit, refuses };
}

/** The result that a peer with these rows must have. */
export function expected(input: Input, rows: readonly Row[]): Found {
  const laxness = laxnessOf(rows, input.role);
  const { events, error, rule } = predict(input, laxness);
  const changes = rows.flatMap((row) => ("event" in row ? [row.event] : []));
  const overlooked = rows.flatMap((row) => (rule && "goesOn" in row && row.goesOn.includes(rule) ? row.goesOn : []));
  const later =
    error && overlooked.length > 0 ? controlFramesAfter(input, laxness, events.length, overlooked, error.after) : [];
  return {
    events: [...events, ...later].map((event) => changes.reduce((value, change) => change(value), event)),
    error,
  };
}

/** Pings and Pongs after an overlooked error, in the same chunk. */
function controlFramesAfter(
  input: Input,
  laxness: Laxness,
  from: number,
  overlooked: readonly Rule[],
  after: number,
): string[] {
  const rules = new Map(laxness.rules);
  for (const rule of overlooked) rules.set(rule, { when: "never" });
  let length = 0;
  const chunks = input.chunks.filter((chunk) => (length += chunk.length) <= after);
  const { events } = predict({ ...input, chunks }, { ...laxness, rules });
  return events.slice(from).filter((event) => /^p[io]ng/.test(event));
}

/**
 * The difference between two results, or undefined. Close codes and names that one of them does not report are not
 * compared.
 */
export function difference(expected: Found, found: Found): string | undefined {
  for (let i = 0; i < Math.max(expected.events.length, found.events.length); i++) {
    const [wanted, got] = [expected.events[i], found.events[i]];
    if (wanted !== got) return `event ${i}: expected ${shown(wanted)}, found ${shown(got)}`;
  }
  const [wanted, got] = [expected.error, found.error];
  if (wanted === undefined || got === undefined) {
    return wanted === got ? undefined : `expected ${shownError(wanted)}, found ${shownError(got)}`;
  }
  const same = <T>(a: T | undefined, b: T | undefined): boolean => a === undefined || b === undefined || a === b;
  if (wanted.after === got.after && same(wanted.closeCode, got.closeCode) && same(wanted.code, got.code)) {
    return undefined;
  }
  return `expected ${shownError(wanted)}, found ${shownError(got)}`;
}

export const shown = (event: string | undefined): string =>
  event === undefined ? "nothing" : event.length > 60 ? `${event.slice(0, 50)}… (${event.length})` : event;

export function shownError(error: Found["error"]): string {
  if (error === undefined) return "no error";
  const what = [error.closeCode, error.code].filter((value) => value !== undefined).join(" ");
  return `error${what && ` ${what}`} after ${error.after} bytes`;
}

export type Results = readonly { readonly arrival: Arrival; readonly found: Found }[];

/** The results of a peer for all arrivals of its role. */
export async function runPeer(peer: Peer, all: readonly Arrival[]): Promise<Results> {
  const own = all.filter(({ input }) => peer.roles.includes(input.role));
  const found = await peer.run(own.map(({ input }) => input));
  return own.map((arrival, i) => ({ arrival, found: found[i]! }));
}

/** The differences that no row of the peer explains, in readable form. */
export function findingsOf({ name }: Peer, results: Results, table: readonly Row[] = ROWS): string[] {
  const rows = table.filter(({ peer }) => peer === name);
  return results.flatMap(({ arrival, found }) => {
    const what = difference(expected(arrival.input, rows), found);
    const { one, way, input } = arrival;
    return what === undefined ? [] : [`${name}: ${one.name}, to a ${input.role}, ${way}: ${what}`];
  });
}

/** The rows of the peer that no arrival needs. */
export function unneededRows({ name }: Peer, results: Results, table: readonly Row[] = ROWS): Row[] {
  const rows = table.filter(({ peer }) => peer === name);
  return rows.filter((row) => {
    const others = rows.filter((other) => other !== row);
    return results.every(({ arrival, found }) => difference(expected(arrival.input, others), found) === undefined);
  });
}
