// Grades the difference between a decoder and the RFC, with one word for each rule.

import { type Arrival, type Results, shown, shownError } from "./check.ts";
import { RULES, type RuleName } from "./corpus.ts";
import { predict } from "./lax.ts";
import { type Found, hex } from "./peer.ts";

/**
 * From best to worst. "late": detects the error later than it could, which the RFC allows. "code": fails with another
 * close code. "strict": refuses valid input. "wrong": reports different messages. "lax": accepts invalid input.
 */
export const GRADES = ["ok", "late", "code", "strict", "wrong", "lax"] as const;

export type Grade = (typeof GRADES)[number];

/** The grades that the RFC allows. */
export const ALLOWED: readonly Grade[] = ["ok", "late", "code"];

export interface Verdict {
  readonly grade: Grade;
  /** The expected and the actual result. */
  readonly what: string;
}

const OK: Verdict = { grade: "ok", what: "" };

/** The correct decoder, which treats no rule laxly. */
const NOTHING_LAX = { rules: new Map() };

/** The correct results, which are the same for all peers. */
const rights = new WeakMap<Arrival, ReturnType<typeof predict>>();

export function judge(arrival: Arrival, found: Found): Verdict {
  const { input, one } = arrival;
  const right = rights.get(arrival) ?? predict(input, NOTHING_LAX);
  rights.set(arrival, right);
  // No decoder has to accept a payload of this length. It may refuse the frame or wait for it.
  const mayRefuse = one.rule === "huge" || right.rule === "length-unsafe" || right.rule === "length-limit";
  const verdict = (grade: Grade, expected: string, got: string): Verdict => ({
    grade,
    what: `expected ${expected}, found ${got}`,
  });
  const error = shownError(found.error);
  const at = right.events.findIndex((event, i) => event !== found.events[i]);
  if (at >= 0) {
    const [expected, got] = [shown(right.events[at]), shown(found.events[at])];
    return found.error && found.events.length === at
      ? verdict("strict", expected, error)
      : verdict("wrong", expected, got);
  }
  const later = found.events.slice(right.events.length);
  if (!right.error || mayRefuse) {
    if (later.length > 0) return verdict("wrong", "nothing more", shown(later[0]));
    return found.error && !mayRefuse ? verdict("strict", "nothing more", error) : OK;
  }
  const expected = shownError(right.error);
  const accepted = later.find((event) => !/^p[io]ng/.test(event));
  if (accepted !== undefined) return verdict("lax", expected, shown(accepted));
  if (!found.error) return verdict("lax", expected, later.length > 0 ? shown(later[0]) : error);
  const { closeCode, after } = found.error;
  if (closeCode !== undefined && closeCode !== right.error.closeCode) return verdict("code", expected, error);
  if (later.length > 0) return verdict("late", expected, `${shown(later[0])} before ${error}`);
  return after > right.error.after ? verdict("late", expected, error) : OK;
}

/** The result of a decoder for the streams of a rule. */
export interface RuleVerdict {
  readonly rule: RuleName;
  readonly streams: number;
  /** The worst grade. */
  readonly grade: Grade;
  readonly counts: Readonly<Record<Grade, number>>;
  /** The first arrival for each grade other than "ok". */
  readonly firsts: readonly { readonly arrival: Arrival; readonly verdict: Verdict }[];
}

/** Results by rule, in the order of the RFC. Rules without a stream are left out. */
export function byRule(results: Results): RuleVerdict[] {
  const judged = results.map(({ arrival, found }) => ({ arrival, verdict: judge(arrival, found) }));
  return (Object.keys(RULES) as RuleName[]).flatMap((rule) => {
    const own = judged.filter(({ arrival }) => arrival.one.rule === rule);
    if (own.length === 0) return [];
    const of = (grade: Grade) => own.filter(({ verdict }) => verdict.grade === grade);
    const counts = Object.fromEntries(GRADES.map((grade) => [grade, of(grade).length])) as Record<Grade, number>;
    const firsts = GRADES.slice(1).flatMap((grade) => of(grade).slice(0, 1));
    return [{ rule, streams: own.length, grade: GRADES.findLast((grade) => counts[grade] > 0)!, counts, firsts }];
  });
}

/** The bytes around the position where the correct decoder stops. The byte at that position is in brackets. */
export function bytesAround({ one, input }: Arrival): string {
  const stop = predict({ ...input, chunks: Array.from(one.stream, (byte) => Uint8Array.of(byte)) }, NOTHING_LAX).error;
  const at = stop ? stop.after - 1 : Math.min(one.stream.length, 24);
  const from = Math.max(0, at - 16);
  const spaced = (bytes: Uint8Array): string => hex(bytes).replace(/..(?=.)/g, "$& ");
  const before = `${from > 0 ? `… (${from} bytes) ` : ""}${spaced(one.stream.subarray(from, at))}`;
  const rest = one.stream.subarray(at, at + 16);
  return stop ? `${before} [${spaced(rest.subarray(0, 1))}] ${spaced(rest.subarray(1))}` : `${before} ${spaced(rest)}`;
}
