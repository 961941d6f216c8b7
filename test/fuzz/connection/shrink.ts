// Finds simpler cases that still fail.

import type { ConnectionCase } from "./case.ts";

type Fails = (candidate: ConnectionCase) => Promise<boolean>;
type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Leaves out parts of lists, and tries smaller numbers. */
function* simpler(value: Json): Generator<Json> {
  if (typeof value === "number" && value > 0) {
    yield 0;
    if (value > 1) yield Math.floor(value / 2);
    if (value > 2) yield value - 1;
  } else if (Array.isArray(value)) {
    const list = value as readonly Json[];
    for (let size = list.length; size >= 1; size = Math.floor(size / 2)) {
      for (let at = 0; at < list.length; at += size) yield [...list.slice(0, at), ...list.slice(at + size)];
    }
    for (const [index, item] of list.entries()) {
      for (const other of simpler(item)) yield list.map((each, i) => (i === index ? other : each));
    }
  } else if (typeof value === "object" && value !== null) {
    const entries = Object.entries(value as { readonly [name: string]: Json });
    for (const [name, item] of entries) {
      if (OPTIONAL.has(name)) yield Object.fromEntries(entries.filter(([other]) => other !== name));
      for (const other of simpler(item))
        yield Object.fromEntries(entries.map(([key, old]) => [key, key === name ? other : old]));
    }
  }
}

/** Properties that a case can do without. */
const OPTIONAL: ReadonlySet<string> = new Set([
  "highWaterMark",
  "maxBufferedAmount",
  "overflow",
  "sliceSize",
  "fragmentSize",
  "discardUnread",
  "idleTimeout",
  "pingInterval",
  "pongTimeout",
  "closeTimeout",
  "directReads",
  "directWrites",
  "textType",
  "binaryType",
  "autoPong",
  "callback",
  "copy",
  "compress",
  "fails",
  "reuses",
  "stream",
  "ping",
]);
/** Properties that must be positive for a case to be valid. */
const POSITIVE: readonly string[] = [
  "pingInterval",
  "pongTimeout",
  "closeTimeout",
  "idleTimeout",
  "sliceSize",
  "fragmentSize",
];

const TIMES = ["pingInterval", "pongTimeout", "closeTimeout"];
/**
 * The shortest time to try, in milliseconds. Shorter times pass between two readings of the clock and give findings of
 * another kind.
 */
const LEAST_TIME = 50;

function isCase(one: ConnectionCase): boolean {
  if (one.compress === undefined || one.on.ping === undefined || one.on.callback === undefined) return false;
  const options: { readonly [name: string]: unknown } = { ...one.options };
  if (POSITIVE.some((name) => name in options && !(Number(options[name]) > 0))) return false;
  if (TIMES.some((name) => name in options && Number(options[name]) < LEAST_TIME)) return false;
  if (one.socket.reads.length === 0 || one.socket.reads.some((length) => length < 1)) return false;
  const { limits } = one.options;
  if (limits?.maxFragments === 0 || (limits?.controlPeriod ?? LEAST_TIME) < LEAST_TIME) return false;
  const calls = [...one.steps.flatMap((step) => ("calls" in step ? step.calls : [])), ...Object.values(one.on).flat(2)];
  const writes = one.steps.flatMap((step) => ("writes" in step ? step.writes : []));
  return (
    calls.every((call) => {
      if (call === null || !("call" in call)) return call === null;
      if (call.call === "send") return call.fragmentSize === undefined || call.fragmentSize > 0;
      if (call.call === "close")
        return (
          call.code === undefined ||
          (call.code >= 1000 && call.code !== 1004 && call.code !== 1005 && call.code !== 1006)
        );
      return call.call !== "parts" || call.sizes.length > 0;
    }) &&
    writes.every(
      (write) =>
        (write.write !== "message" || write.frames > 0) &&
        (write.write !== "close" || write.code === undefined || [1000, 1001, 4000].includes(write.code)),
    )
  );
}

const MOST_TRIES = 600;

/** Removes everything that is not needed, until nothing more can be removed. */
export async function shrink(one: ConnectionCase, fails: Fails): Promise<ConnectionCase> {
  let best = one;
  let tries = 0;
  for (let improved = true; improved && tries < MOST_TRIES;) {
    improved = false;
    for (const candidate of simpler(best as unknown as Json)) {
      const next = candidate as unknown as ConnectionCase;
      if (!isCase(next) || tries++ >= MOST_TRIES) continue;
      if (!(await fails(next))) continue;
      best = next;
      improved = true;
      break;
    }
  }
  return best;
}
