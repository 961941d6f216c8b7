// The options of `npm run fuzz`, other than the seed, that targets read.

export interface TargetSettings {
  /** frames: many short frames per case, with one way of decoding at a time. */
  readonly bulk: boolean;
  /** deflate: check each load and store of the core. */
  readonly checked: boolean;
  /** deflate: compare with node:zlib, for machines without gcc. */
  readonly node: boolean;
  /** deflate and compression: the size of a case, in connections of each kind and in steps. */
  readonly size: number | undefined;
}

export const DEFAULT_SETTINGS: TargetSettings = { bulk: false, checked: false, node: false, size: undefined };
