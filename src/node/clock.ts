/**
 * The time in whole milliseconds. V8 keeps a small whole number inside the object that has it; a fraction would be an object of its
 * own in each connection. @internal
 */
export function wholeMilliseconds(): number {
  return Math.floor(performance.now());
}
