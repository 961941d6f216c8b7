// What the fuzzer needs of something that it can fuzz.

import type { Random } from "../support/random.ts";

/** What came of one case. */
export interface Outcome {
  /** How much it tried, in the target's unit. */
  readonly units: number;
  /** What is wrong, for a person to read. Undefined when nothing is. */
  readonly finding?: string | undefined;
}

/**
 * A public surface. A case is plain JSON: it can be kept in a file, run again, changed and shortened. The same case gives
 * the same outcome, whatever ran before it.
 */
export interface Target<Case = unknown> {
  /** As in `npm run fuzz -- NAME`. */
  readonly name: string;
  /** What is counted, in the plural: "frames", "calls". */
  readonly unit: string;
  generate(random: Random): Case;
  /** A case much like this one, for runs that are guided by coverage. */
  mutate?(one: Case, random: Random): Case;
  run(one: Case): Outcome | Promise<Outcome>;
  /** The simplest case it finds for which `fails` is still true. */
  shrink(one: Case, fails: (candidate: Case) => Promise<boolean>): Promise<Case>;
}
