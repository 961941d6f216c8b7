/**
 * A queue of the messages that wait for their answers: batches with their start times. There is an entry for each write, so
 * it is a ring of numbers that grows, not an array of objects.
 */
export class Waiting {
  #counts = new Float64Array(4);
  #times = new Float64Array(4);
  #head = 0;
  #length = 0;

  /** Adds messages. If they have the same start time as the last batch, they join it. */
  add(count: number, time: number): void {
    const mask = this.#counts.length - 1;
    const last = (this.#head + this.#length - 1) & mask;
    if (this.#length > 0 && this.#times[last] === time) {
      this.#counts[last]! += count;
      return;
    }
    if (this.#length === this.#counts.length) this.#grow();
    const at = (this.#head + this.#length++) & (this.#counts.length - 1);
    this.#counts[at] = count;
    this.#times[at] = time;
  }

  /** The start time of the first batch. The queue must not be empty. */
  get time(): number {
    return this.#times[this.#head]!;
  }

  /** Removes up to `most` messages of the first batch. @returns how many */
  take(most: number): number {
    const head = this.#head;
    const count = this.#counts[head]!;
    if (count > most) {
      this.#counts[head] = count - most;
      return most;
    }
    this.#head = (head + 1) & (this.#counts.length - 1);
    this.#length--;
    return count;
  }

  #grow(): void {
    const { length } = this.#counts;
    const counts = new Float64Array(2 * length);
    const times = new Float64Array(2 * length);
    for (let i = 0; i < length; i++) {
      const from = (this.#head + i) & (length - 1);
      counts[i] = this.#counts[from]!;
      times[i] = this.#times[from]!;
    }
    this.#counts = counts;
    this.#times = times;
    this.#head = 0;
  }
}
