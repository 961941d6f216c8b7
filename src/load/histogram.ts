/** Units per millisecond. A unit is a tenth of a microsecond. */
const UNITS = 10_000;
/** A bucket is no wider than its value divided by this, so percentiles are accurate to 0.1 %. */
const STEPS = 1024;
const STEP_BITS = 10;
/** The longest time, 214 s. Longer times count as this. */
const MOST = 2 ** 31 - 1;

/**
 * A histogram of times in milliseconds, with buckets of 0.1 %. The one of node:perf_hooks records one value per call, which
 * would cost more than everything else that is done for a message. This one records a whole batch at once.
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

  /** The mean time in milliseconds; 0 if nothing has been counted. */
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
      // The largest value of the bucket, so that the result is never too small.
      const most = ((i - shift * STEPS + 1) * 2 ** shift - 1) / UNITS;
      return Math.max(this.min, Math.min(most, this.max));
    }
    return 0;
  }
}
