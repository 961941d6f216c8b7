type Job = (done: () => void) => void;

/** Runs jobs in order, up to a limit at the same time. @internal */
export class Limiter {
  readonly #limit: number;
  readonly #waiting: Job[] = [];
  #running = 0;

  /** 0 means no limit. */
  constructor(limit: number) {
    this.#limit = limit || Infinity;
  }

  /** Runs a job, now or later. The job counts as running until it calls `done`. */
  add(job: Job): void {
    if (this.#running >= this.#limit) this.#waiting.push(job);
    else this.#run(job);
  }

  #run(job: Job): void {
    let ended = false;
    this.#running++;
    job(() => {
      if (ended) return;
      ended = true;
      this.#running--;
      const next = this.#waiting.shift();
      if (next !== undefined) this.#run(next);
    });
  }
}
