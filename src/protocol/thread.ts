import type { IdleRelease } from "./idle.ts";
import type { Turns } from "./turns.ts";

/** What all connections of a thread share, across adapters. @internal */
export interface Thread {
  readonly turns: Turns;
  readonly idle: IdleRelease;
}

/** About how many bytes adapters compress or inflate at once. @internal */
export const DEFAULT_SLICE_SIZE = 32768;

/**
 * Chunks of up to this many bytes are decoded at once, even if the turn has no time left. They usually hold short messages, and
 * at most one slice. @internal
 */
export const SHORT_CHUNK = 4096;
