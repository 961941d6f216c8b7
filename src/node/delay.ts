import { LINGER, LONGEST_DELAY } from "../protocol/times.ts";

/**
 * A time limit as a timer takes it; Infinity is none, or nearly so: 24 days.
 * @throws RangeError @internal
 */
export function readDelay(name: string, value: number): number {
  if (typeof value !== "number" || !(value > 0)) throw new RangeError(`${name} must be a number of more than 0`);
  return Math.min(Math.ceil(value), LONGEST_DELAY);
}

/**
 * Calls `expire` when the time is up and what had arrived by then has been read: a blocked event loop is not the peer's fault.
 * Returns what stops it. @internal
 */
export function startTimer(delay: number, expire: () => void): () => void {
  let immediate: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => (immediate = setImmediate(expire)), delay);
  return () => {
    clearTimeout(timer);
    clearImmediate(immediate);
  };
}

/**
 * Cuts a stream that has been ended, if its peer does not end it too. Not at once: what a socket has not read when it is
 * closed resets it, and the peer would lose what it was answered.
 *
 * @param most how often LINGER may begin again while something waits to be written
 * @internal
 */
export function linger(
  stream: NodeJS.ReadWriteStream & { destroy(): unknown; readonly destroyed: boolean; readonly writableLength: number },
  most: number = 1,
): void {
  // It may have closed already, and will not say so again.
  if (stream.destroyed) return;
  let lingers = 0;
  const timer = setInterval(() => {
    if (stream.writableLength === 0 || ++lingers >= most) stream.destroy();
  }, LINGER);
  stream.once("close", () => clearInterval(timer));
  stream.resume();
}
