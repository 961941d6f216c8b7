/**
 * A time limit that is judged after what has come in time has been read: if this thread was busy, its timers run before its
 * sockets are read.
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
