// One timer for all connections that are checked at the same interval.

import { AsyncResource } from "node:async_hooks";
import { wholeMilliseconds } from "./clock.ts";

/** Something that is checked from time to time. */
export interface Beating {
  /** In milliseconds. It must not change between startBeating() and stopBeating(). @internal */
  readonly interval: number;
  /** @internal */
  beat(now: number): void;
}

interface Heart {
  readonly beating: Set<Beating>;
  readonly timer: NodeJS.Timeout;
}

/** The heart of each interval. */
const hearts: Map<number, Heart> = new Map();
/** Timers belong to no connection, because they would keep its context alive and run the others in it. */
const nowhere: AsyncResource = new AsyncResource("WSFRAME_HEARTBEAT");

const MOST_SELDOM = 1000;
const MOST_OFTEN = 10;
/** Even if every turn of the event loop stalls, the check runs after this many turns. */
const MOST_POSTPONED = 10;

/** How often to check, so that no time limit is missed by more than a tenth, or a second. @internal */
export function intervalFor(...times: readonly number[]): number {
  return Math.round(Math.min(Math.max(Math.min(...times) / 10, MOST_OFTEN), MOST_SELDOM));
}

/** Starts to call `beat()`. The timer does not keep the process alive. @internal */
export function startBeating(one: Beating): void {
  const { interval } = one;
  let heart = hearts.get(interval);
  if (heart === undefined) {
    const beating = new Set<Beating>();
    const timer = nowhere.runInAsyncScope(() => setInterval(beatAll, interval, beating, interval).unref());
    hearts.set(interval, (heart = { beating, timer }));
  }
  heart.beating.add(one);
}

/** @internal */
export function stopBeating(one: Beating): void {
  const heart = hearts.get(one.interval);
  if (!heart?.beating.delete(one) || heart.beating.size > 0) return;
  clearInterval(heart.timer);
  hearts.delete(one.interval);
}

/**
 * Uses the time before this turn reads: after a stall of the event loop, answers may wait in the system and are read
 * first. If the turn stalls again before it has read, the check waits for the next turn.
 */
function beatAll(beating: Set<Beating>, interval: number, postponed: number = 0): void {
  const now = wholeMilliseconds();
  setImmediate(() => {
    const stalled = wholeMilliseconds() - now > interval;
    if (stalled && postponed < MOST_POSTPONED) beatAll(beating, interval, postponed + 1);
    else for (const each of beating) each.beat(now);
  });
}
