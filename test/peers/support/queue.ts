/** What has come, in order, for a test that waits for one after the other. */
export class Queue<T> {
  readonly #items: T[] = [];
  readonly #waiting: ((item: T) => void)[] = [];
  readonly #name: string;

  constructor(name: string) {
    this.#name = name;
  }

  /** How many have come that nobody has asked for. */
  get size(): number {
    return this.#items.length;
  }

  push(item: T): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#items.push(item);
    else waiting(item);
  }

  /** The next one. Rejects if it does not come, so that a test says what it waits for. */
  next(timeout: number = 10_000): Promise<T> {
    if (this.#items.length > 0) return Promise.resolve(this.#items.shift()!);
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(take), 1);
        reject(new Error(`Nothing has come: ${this.#name}`));
      }, timeout);
      const take = (item: T): void => {
        clearTimeout(timer);
        resolve(item);
      };
      this.#waiting.push(take);
    });
  }

  /** The next `count` ones. */
  async take(count: number): Promise<T[]> {
    const items: T[] = [];
    while (items.length < count) items.push(await this.next());
    return items;
  }
}
