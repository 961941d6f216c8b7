/**
 * `next`, or the last one where it says the same: connections with the same options share one object then, and an idle one costs
 * little. @internal
 */
export function lastIfSame<T extends object>(last: T | undefined, next: T): T {
  if (last === undefined) return next;
  return (Object.keys(next) as (keyof T)[]).every((key) => last[key] === next[key]) ? last : next;
}
