import { Clock } from "./clock.ts";
import type { LoadConnection } from "./connection.ts";

/** At higher rates, several messages are due per tick, because each tick costs two threads a few microseconds. */
const MOST_TICKS_PER_SECOND = 4000;

/**
 * Decides when messages are due: at equal intervals, on the connections in turn. Times are computed, not stored, so waiting
 * messages cost no memory.
 */
export class Pace {
  /** How many messages are due per tick, and the milliseconds between ticks. */
  readonly #together: number;
  readonly #interval: number;
  #connections: readonly LoadConnection[] = [];
  #clock: Clock | undefined = undefined;
  /** How many messages have been due so far. */
  #count = 0;

  /** @param rate in messages per second */
  constructor(rate: number) {
    this.#together = Math.ceil(rate / MOST_TICKS_PER_SECOND);
    this.#interval = (1000 * this.#together) / rate;
  }

  /** Returns when message `number` of a connection is due, on the clock of performance.now(). */
  dueAt(connection: number, number: number): number {
    const tick = Math.floor((number * this.#connections.length + connection) / this.#together);
    return this.#clock!.start + tick * this.#interval;
  }

  /** Returns when the first message is due. */
  start(connections: readonly LoadConnection[]): number {
    this.#connections = connections;
    this.#clock = new Clock(this.#interval, (ticks) => this.#makeReady(ticks * this.#together));
    return this.#clock.start;
  }

  /** Ends at the time `end`. The messages that are due until then are made ready, even if this thread was too busy before. */
  finish(end: number): void {
    if (this.#clock === undefined) return;
    this.stop();
    const ticks = Math.floor((end - this.#clock.start) / this.#interval) + 1;
    const count = ticks * this.#together;
    if (count > this.#count) this.#makeReady(count);
  }

  stop(): void {
    this.#clock?.stop();
  }

  /** Passes newly due messages to the connections. `count` messages have been due since the start. */
  #makeReady(count: number): void {
    const now = performance.now();
    const connections = this.#connections;
    const more = count - this.#count;
    const each = Math.floor(more / connections.length);
    const over = more % connections.length;
    const first = this.#count % connections.length;
    for (let i = 0; i < Math.min(more, connections.length); i++) {
      connections[(first + i) % connections.length]!.makeReady(each + (i < over ? 1 : 0), now);
    }
    this.#count = count;
  }
}
