// One timer for all connections that want to be looked at equally often.

import { AsyncResource } from "node:async_hooks";
import { wholeMilliseconds } from "./clock.ts";

/** Something that wants to be looked at now and then. */
export interface Beating {
  /** In milliseconds. The same from startBeating() to stopBeating(). @internal */
  readonly interval: number;
  /** @internal */
  beat(now: number): void;
}

interface Heart {
  readonly beating: Set<Beating>;
  readonly timer: NodeJS.Timeout;
}

/** By their intervals. */
const hearts: Map<number, Heart> = new Map();
/** Timers belong to no connection: they would keep its context alive, and run the others in it. */
const nowhere: AsyncResource = new AsyncResource("WSFRAME_HEARTBEAT");

const MOST_SELDOM = 1000;
const MOST_OFTEN = 10;
/** A loop in which each turn stalls is judged all the same. */
const MOST_POSTPONED = 10;

/** How often to look, so that none of these times is missed by more than a tenth, or a second. @internal */
export function intervalFor(...times: readonly number[]): number {
  return Math.round(Math.min(Math.max(Math.min(...times) / 10, MOST_OFTEN), MOST_SELDOM));
}

/** Begins to call `beat()`. The timer does not keep the process alive. @internal */
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
 * Judges by the time before this turn reads: after a stall of the event loop, answers wait in the system, and are read first.
 * If the turn stalls again before it has read, the judgement waits for the next one.
 */
function beatAll(beating: Set<Beating>, interval: number, postponed: number = 0): void {
  const now = wholeMilliseconds();
  setImmediate(() => {
    const stalled = wholeMilliseconds() - now > interval;
    if (stalled && postponed < MOST_POSTPONED) beatAll(beating, interval, postponed + 1);
    else for (const each of beating) each.beat(now);
  });
}
