/**
 * The time in whole milliseconds. V8 stores a small integer inside the object; a fraction would take an object of its
 * own in each connection. @internal
 */
export function wholeMilliseconds(): number {
  return Math.floor(performance.now());
}
