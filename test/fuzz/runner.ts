// Runs targets in turns of a fixed time until the time or the units are used up.

import { setImmediate } from "node:timers/promises";
import { Random } from "../support/random.ts";
import type { Coverage } from "./coverage.ts";
import type { Corpus } from "./corpus.ts";
import { kindOf, outcomeOf } from "./outcome.ts";
import type { Outcome, Target } from "./target.ts";

export interface Found {
  readonly target: Target;
  readonly case: unknown;
  readonly finding: string;
  /** The number of cases that the target had run. */
  readonly cases: number;
}

export interface RunSettings {
  readonly targets: readonly Target[];
  readonly seed: number;
  /** When the run ends, as a time of performance.now(). */
  readonly until: number;
  /** For each target. */
  readonly units: number;
  readonly coverage: Coverage | undefined;
  readonly corpus: Corpus | undefined;
  /** Whether the run was stopped from outside. Default: never. */
  stopped?(): boolean;
  /** Called before each case, to detect one that never ends, and without arguments after it. */
  watch?(target?: Target, one?: unknown): void;
  /** Called for a finding of a new kind. Returning true ends the run. */
  found(found: Found): boolean | Promise<boolean>;
  /** Called every few seconds, and at the end. */
  report(progress: readonly Progress[]): void;
}

export interface Progress {
  readonly name: string;
  readonly unit: string;
  readonly cases: number;
  readonly units: number;
  /** The time that the target has run, in ms. */
  readonly spent: number;
  readonly findings: number;
  /** The number of cases kept because they reached something new. */
  readonly kept: number;
}

const SLICE = 1000;
const REPORT_EVERY = 5000;
/** The longest task, in ms. Referents of WeakRefs are kept alive until a task ends. */
const TASK = 100;
/** The fraction of cases that are changed versions of kept ones. */
const MUTATED = 0.5;

/** A target with its state in this run. */
class Line implements Progress {
  readonly target: Target;
  readonly #settings: RunSettings;
  readonly #random: Random;
  readonly #kept: unknown[] = [];
  readonly #kinds = new Set<string>();
  #before: unknown[];
  cases = 0;
  units = 0;
  spent = 0;

  constructor(target: Target, settings: RunSettings) {
    this.target = target;
    this.#settings = settings;
    this.#random = new Random(settings.seed);
    this.#before = settings.corpus?.read(target.name) ?? [];
  }

  get name(): string {
    return this.target.name;
  }

  get unit(): string {
    return this.target.unit;
  }

  get findings(): number {
    return this.#kinds.size;
  }

  get kept(): number {
    return this.#kept.length;
  }

  get done(): boolean {
    return this.units >= this.#settings.units;
  }

  #next(): unknown {
    // Cases from earlier runs come first.
    if (this.#before.length > 0) return this.#before.pop();
    const { target } = this;
    const random = new Random(this.#random.integer(0, 0xffff_ffff));
    return this.#kept.length > 0 && target.mutate !== undefined && random.chance(MUTATED)
      ? target.mutate(random.pick(this.#kept), random)
      : target.generate(random);
  }

  /** @returns whether the run must end */
  async runUntil(end: number): Promise<boolean> {
    const settings = this.#settings;
    const { target } = this;
    let from = performance.now();
    let lastTask = from;
    for (let now = from; now < end && !this.done && settings.stopped?.() !== true; now = performance.now()) {
      if (now - lastTask > TASK) {
        await setImmediate();
        lastTask = now;
      }
      const one = this.#next();
      settings.watch?.(target, one);
      const running = outcomeOf(target, one);
      const outcome: Outcome = running instanceof Promise ? await running : running;
      settings.watch?.();
      this.cases++;
      this.units += outcome.units;
      if (settings.coverage?.isNew()) {
        this.#kept.push(one);
        settings.corpus?.add(target.name, one);
      }
      if (outcome.finding === undefined) continue;
      const kind = kindOf(outcome.finding);
      if (this.#kinds.has(kind)) continue;
      this.#kinds.add(kind);
      this.spent += performance.now() - from;
      const ends = await settings.found({ target, case: one, finding: outcome.finding, cases: this.cases });
      from = performance.now();
      if (ends) return true;
    }
    this.spent += performance.now() - from;
    return false;
  }
}

export async function runTargets(settings: RunSettings): Promise<readonly Progress[]> {
  const lines = settings.targets.map((target) => new Line(target, settings));
  let lastReport = performance.now();
  let ended = false;
  while (
    !ended &&
    settings.stopped?.() !== true &&
    performance.now() < settings.until &&
    lines.some((line) => !line.done)
  ) {
    for (const line of lines) {
      const now = performance.now();
      if (line.done || now >= settings.until) continue;
      ended = await line.runUntil(Math.min(settings.until, now + SLICE));
      if (ended) break;
      if (performance.now() - lastReport >= REPORT_EVERY) {
        lastReport = performance.now();
        settings.report(lines);
      }
    }
  }
  settings.report(lines);
  return lines;
}
