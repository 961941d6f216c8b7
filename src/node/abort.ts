/** The callbacks of each signal. All share one listener, because a signal warns about more than ten. */
const waiting: WeakMap<AbortSignal, Set<() => void>> = new WeakMap();

/**
 * Calls `then` when the signal aborts. Returns a function that undoes this, after which the signal keeps nothing.
 * @internal
 */
export function onAbort(signal: AbortSignal, then: () => void): () => void {
  let set = waiting.get(signal);
  if (set === undefined) {
    waiting.set(signal, (set = new Set()));
    signal.addEventListener("abort", callAll);
  }
  set.add(then);
  return () => {
    set.delete(then);
    if (set.size > 0 || waiting.get(signal) !== set) return;
    waiting.delete(signal);
    signal.removeEventListener("abort", callAll);
  };
}

function callAll(this: AbortSignal): void {
  for (const then of waiting.get(this) ?? []) then();
}
