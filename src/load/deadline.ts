/**
 * A time limit that is checked after pending data has been read. If this thread was busy, its timers run before its sockets
 * are read, so a plain timer could expire although the data has arrived in time.
 */
export class Deadline {
  readonly #timer: NodeJS.Timeout;
  #immediate: NodeJS.Immediate | undefined = undefined;

  /** @param time in milliseconds */
  constructor(time: number, missed: () => void) {
    this.#timer = setTimeout(() => (this.#immediate = setImmediate(missed)), time);
  }

  clear(): void {
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
  }
}
