// What a seeded mutant is: a fault put back into the code, which a target must find.

export interface Mutant {
  /** Short, and its own: `npm run fuzz -- --check NAME`. */
  readonly name: string;
  /** What goes wrong with it, in one sentence. */
  readonly behaviour: string;
  /** In src/ or assembly/, relative to the root. */
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** The target that must find it. */
  readonly target: string;
  /** How long that may take, in seconds. Default 60. */
  readonly seconds?: number;
}
