// A seeded mutant: a fault that is put back into the code and that a target must find.

export interface Mutant {
  /** Short and unique: `npm run fuzz -- --check NAME`. */
  readonly name: string;
  /** The faulty behaviour, in one sentence. */
  readonly behaviour: string;
  /** The path in src/ or assembly/, relative to the root. */
  readonly file: string;
  /** Text that occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** The target that must find it. */
  readonly target: string;
  /** The time limit for finding it, in seconds. Default 60. */
  readonly seconds?: number;
}
