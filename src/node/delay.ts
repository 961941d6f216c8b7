import { LINGER, LONGEST_DELAY } from "../protocol/times.ts";

/**
 * A time limit for a timer. Infinity becomes the longest delay of a timer, 24 days.
 * @throws RangeError @internal
 */
export function readDelay(name: string, value: number): number {
  if (typeof value !== "number" || !(value > 0)) throw new RangeError(`${name} must be a number greater than 0`);
  return Math.min(Math.ceil(value), LONGEST_DELAY);
}

/**
 * Calls `expire` when the time is up and everything that had arrived by then has been read, because a blocked event
 * loop is not the peer's fault. Returns a function that stops the timer. @internal
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
 * Cuts an ended stream if its peer does not end it, too. Not at once: closing a socket with unread data resets it, and
 * the peer would lose our answer.
 *
 * @param most how many times LINGER may pass while data waits to be written
 * @internal
 */
export function linger(
  stream: NodeJS.ReadWriteStream & { destroy(): unknown; readonly destroyed: boolean; readonly writableLength: number },
  most: number = 1,
): void {
  // The stream may have closed already, and would not emit "close" again.
  if (stream.destroyed) return;
  let lingers = 0;
  const timer = setInterval(() => {
    if (stream.writableLength === 0 || ++lingers >= most) stream.destroy();
  }, LINGER);
  stream.once("close", () => clearInterval(timer));
  stream.resume();
}
