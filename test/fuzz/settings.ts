// What a run can be told about its targets, beside the seed: the options of `npm run fuzz` that a target reads.

export interface TargetSettings {
  /** frames: many short frames in each case, one way of decoding them at a time. */
  readonly bulk: boolean;
  /** deflate: check each load and store of the core. */
  readonly checked: boolean;
  /** deflate: compare with node:zlib, where there is no gcc. */
  readonly node: boolean;
  /** deflate and compression: how large a case is, in connections of each kind and in steps. */
  readonly size: number | undefined;
}

export const DEFAULT_SETTINGS: TargetSettings = { bulk: false, checked: false, node: false, size: undefined };
