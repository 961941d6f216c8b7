// Decides whether figures stay constant. It compares the first and the last quarter of the samples, without the
// warm-up.

import type { Sample } from "./vitals.ts";

/** The allowed growth from the first to the last quarter: a factor and an additional amount. */
interface Tolerance {
  readonly factor: number;
  readonly more: number;
}

export type Figure = "heap" | "external" | "rss" | "files" | "handles" | "p50" | "p99";

const MIB = 1 << 20;

/** Memory in bytes, times in milliseconds. */
export const TOLERANCES: Readonly<Record<Figure, Tolerance>> = {
  heap: { factor: 1.1, more: 2 * MIB },
  external: { factor: 1.1, more: 4 * MIB },
  rss: { factor: 1.1, more: 16 * MIB },
  files: { factor: 1.25, more: 8 },
  handles: { factor: 1.25, more: 8 },
  p50: { factor: 1.5, more: 1 },
  p99: { factor: 2, more: 10 },
};

export const FIGURES = Object.keys(TOLERANCES) as Figure[];

/** The fraction of a run that is warm-up. */
const WARM_UP = 0.1;

export interface Trend {
  readonly figure: Figure;
  /** Medians. */
  readonly first: number;
  readonly last: number;
  /** The verdict. Undefined if the machine was too busy for a decision. */
  readonly isFlat: boolean | undefined;
}

/** A sample, and how late the timers of an idle process were meanwhile (99th percentile, in milliseconds). */
export interface Witnessed extends Sample {
  readonly idle: number;
}

/**
 * In milliseconds. If the idle process's timers are later than this, other programs use the machine, and delays mean
 * nothing.
 */
const BUSY = 10;
/** The minimum number of usable samples in a quarter. */
const ENOUGH = 5;

/** @param samples samples of the whole run at equal intervals */
export function trends(samples: readonly Witnessed[]): Trend[] {
  const warm = samples.slice(Math.ceil(samples.length * WARM_UP));
  const quarter = Math.max(Math.floor(warm.length / 4), 1);
  return FIGURES.map((figure) => {
    const isTime = figure === "p50" || figure === "p99";
    const all = [warm.slice(0, quarter), warm.slice(-quarter)];
    const quiet = all.map((part) => part.filter(({ idle }) => idle <= BUSY));
    const canTell = !isTime || quiet.every(({ length }) => length >= ENOUGH);
    const [first = 0, last = 0] = (isTime && canTell ? quiet : all).map((part) => median(part, figure));
    const { factor, more } = TOLERANCES[figure];
    return { figure, first, last, isFlat: canTell ? last <= first * factor + more : undefined };
  });
}

export function median(samples: readonly Sample[], figure: keyof Sample): number {
  const values = samples.map((sample) => sample[figure]).sort((a, b) => a - b);
  return values[Math.floor(values.length / 2)] ?? 0;
}
