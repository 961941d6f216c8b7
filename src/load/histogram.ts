/** Units in a millisecond: a tenth of a microsecond. */
const UNITS = 10_000;
/** Buckets are as wide as a value divided by this, or narrower: percentiles are true to 0.1 %. */
const STEPS = 1024;
const STEP_BITS = 10;
/** 214 s. What takes longer counts as that. */
const MOST = 2 ** 31 - 1;

/**
 * Times in milliseconds, counted in buckets of 0.1 %. That of node:perf_hooks takes one value in a call, which would cost more
 * than everything else that is done for a message: this one takes a whole batch in one addition, so that each message counts.
 */
export class Histogram {
  readonly #counts: Float64Array = new Float64Array((31 - STEP_BITS) * STEPS + STEPS);
  #sum = 0;
  count: number = 0;
  min: number = Infinity;
  max: number = 0;

  /** Counts `weight` messages that took `milliseconds` each. */
  record(milliseconds: number, weight: number): void {
    const time = milliseconds > 0 ? milliseconds : 0;
    const units = Math.min(Math.round(time * UNITS), MOST);
    const shift = Math.max(0, 31 - STEP_BITS - Math.clz32(units));
    this.#counts[shift * STEPS + (units >>> shift)]! += weight;
    this.#sum += time * weight;
    this.count += weight;
    if (time < this.min) this.min = time;
    if (time > this.max) this.max = time;
  }

  /** 0 if nothing has been counted. */
  get mean(): number {
    return this.count > 0 ? this.#sum / this.count : 0;
  }

  /** The time in milliseconds that `percent` of the messages did not exceed; 0 if nothing has been counted. */
  percentile(percent: number): number {
    const wanted = Math.max(1, Math.ceil((this.count * percent) / 100));
    let seen = 0;
    for (let i = 0; i < this.#counts.length; i++) {
      seen += this.#counts[i]!;
      if (seen < wanted) continue;
      const shift = Math.max(0, Math.floor(i / STEPS) - 1);
      // The last value that falls into the bucket: never less than what it was.
      const most = ((i - shift * STEPS + 1) * 2 ** shift - 1) / UNITS;
      return Math.max(this.min, Math.min(most, this.max));
    }
    return 0;
  }
}
