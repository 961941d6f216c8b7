// The interface of a fuzz target.

import type { Random } from "../support/random.ts";

/** The outcome of one case. */
export interface Outcome {
  /** The number of units tried. */
  readonly units: number;
  /** The problem, in readable form. Undefined if there is none. */
  readonly finding?: string | undefined;
}

/**
 * A public interface to fuzz. A case is plain JSON, so it can be stored, repeated, changed and shortened. A case has
 * the same outcome whatever ran before it.
 */
export interface Target<Case = unknown> {
  /** The name in `npm run fuzz -- NAME`. */
  readonly name: string;
  /** The unit of counting, in the plural, such as "frames" or "calls". */
  readonly unit: string;
  generate(random: Random): Case;
  /** A slightly changed case, for runs that coverage guides. */
  mutate?(one: Case, random: Random): Case;
  run(one: Case): Outcome | Promise<Outcome>;
  /** The simplest case found for which `fails` is still true. */
  shrink(one: Case, fails: (candidate: Case) => Promise<boolean>): Promise<Case>;
}
