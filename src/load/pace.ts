import type { LoadConnection } from "./connection.ts";

/**
 * When messages are due: evenly in time, and on the connections in turn. Times are computed, not kept, so that what a server
 * lets wait costs nothing here.
 */
export class Pace {
  /** Milliseconds from one message to the next. */
  readonly #interval: number;
  #connections: readonly LoadConnection[] = [];
  #start = 0;
  /** How many messages were due up to now. */
  #count = 0;
  #timer: NodeJS.Timeout | undefined = undefined;

  /** @param rate messages in a second */
  constructor(rate: number) {
    this.#interval = 1000 / rate;
  }

  /** When message `number` of a connection is due. */
  dueAt(connection: number, number: number): number {
    return this.#start + (number * this.#connections.length + connection) * this.#interval;
  }

  start(connections: readonly LoadConnection[]): void {
    this.#connections = connections;
    this.#start = performance.now();
    this.#tick();
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  #tick(): void {
    const now = performance.now();
    const connections = this.#connections;
    const due = Math.floor((now - this.#start) / this.#interval) + 1;
    const more = due - this.#count;
    const each = Math.floor(more / connections.length);
    const over = more % connections.length;
    const first = this.#count % connections.length;
    for (let i = 0; i < Math.min(more, connections.length); i++) {
      connections[(first + i) % connections.length]!.makeReady(each + (i < over ? 1 : 0), now);
    }
    this.#count = due;
    const next = this.#start + due * this.#interval;
    this.#timer = setTimeout(() => this.#tick(), Math.max(1, next - performance.now()));
  }
}
