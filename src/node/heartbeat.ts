// One timer for all connections of the process.

/** Something that wants to be looked at every second or so. */
export interface Beating {
  /** @internal */
  beat(now: number): void;
}

/** In milliseconds. */
const INTERVAL = 1000;

const beating: Set<Beating> = new Set();
let timer: NodeJS.Timeout | undefined;

/** Begins to call `beat()`. The timer does not keep the process alive. @internal */
export function startBeating(one: Beating): void {
  beating.add(one);
  timer ??= setInterval(() => {
    const now = performance.now();
    for (const each of beating) each.beat(now);
  }, INTERVAL).unref();
}

/** @internal */
export function stopBeating(one: Beating): void {
  beating.delete(one);
  if (beating.size > 0) return;
  clearInterval(timer);
  timer = undefined;
}
