import { LINGER } from "../protocol/linger.ts";

/** The longest delay of a timer: a longer one would run at once. */
const LONGEST = 2 ** 31 - 1;

/**
 * A time limit as a timer takes it; Infinity is none, or nearly so: 24 days.
 * @throws RangeError @internal
 */
export function readDelay(name: string, value: number): number {
  if (typeof value !== "number" || !(value > 0)) throw new RangeError(`${name} must be a number of more than 0`);
  return Math.min(Math.ceil(value), LONGEST);
}

/**
 * Cuts a stream that has been ended, if its peer does not end it too. Not at once: what a socket has not read when it is
 * closed resets it, and the peer would lose what it was answered. @internal
 */
export function linger(stream: NodeJS.ReadWriteStream & { destroy(): unknown }): void {
  const timer = setTimeout(() => stream.destroy(), LINGER);
  stream.once("close", () => clearTimeout(timer));
  stream.resume();
}
