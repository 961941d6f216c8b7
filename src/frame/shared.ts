/**
 * Returns `last` if it equals `next`, otherwise `next`. Connections with the same options then share one object, and an
 * idle one costs little.
 * @internal
 */
export function lastIfSame<T extends object>(last: T | undefined, next: T): T {
  if (last === undefined) return next;
  return (Object.keys(next) as (keyof T)[]).every((key) => last[key] === next[key]) ? last : next;
}
