import { Clock } from "./clock.ts";
import type { LoadConnection } from "./connection.ts";

/** With a higher rate, several messages are due at a time: each time costs two threads some microseconds. */
const MOST_TICKS_PER_SECOND = 4000;

/**
 * When messages are due: evenly in time, and on the connections in turn. Times are computed, not kept, so that what a server
 * lets wait costs nothing here.
 */
export class Pace {
  /** How many messages are due at a time, and the milliseconds from one time to the next. */
  readonly #together: number;
  readonly #interval: number;
  #connections: readonly LoadConnection[] = [];
  #clock: Clock | undefined = undefined;
  /** How many messages were due up to now. */
  #count = 0;

  /** @param rate messages in a second */
  constructor(rate: number) {
    this.#together = Math.ceil(rate / MOST_TICKS_PER_SECOND);
    this.#interval = (1000 * this.#together) / rate;
  }

  /** When message `number` of a connection is due. */
  dueAt(connection: number, number: number): number {
    const tick = Math.floor((number * this.#connections.length + connection) / this.#together);
    return this.#clock!.start + tick * this.#interval;
  }

  start(connections: readonly LoadConnection[]): void {
    this.#connections = connections;
    this.#clock = new Clock(this.#interval, (ticks) => this.#makeReady(ticks * this.#together));
  }

  stop(): void {
    this.#clock?.stop();
  }

  /** By now `count` messages have been due since the beginning. */
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
