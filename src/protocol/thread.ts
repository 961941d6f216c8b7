import type { IdleRelease } from "./idle.ts";
import type { Turns } from "./turns.ts";

/** What the connections of a thread share, those of all adapters. @internal */
export interface Thread {
  readonly turns: Turns;
  readonly idle: IdleRelease;
}

/** How many bytes adapters compress or inflate at once, about. @internal */
export const DEFAULT_SLICE_SIZE = 32768;

/**
 * A chunk of at most this many bytes is decoded at once, even if the turn has no time left: as a rule it holds short messages, and
 * one slice at the most.
 * @internal
 */
export const SHORT_CHUNK = 4096;
