/**
 * How long a test waits for something that should happen at once, on a busy machine, in milliseconds: less than
 * closeTimeout.
 */
export const SOON = 8000;
/** How long a test waits for something that takes many turns, or many MiB, in milliseconds. */
export const IN_THE_END = 25_000;

const EVERY = 4;

export function sleep(time: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, time));
}

/** Waits until `done` returns true. */
export async function until(done: () => boolean, what: () => string, limit: number = SOON): Promise<void> {
  const end = performance.now() + limit;
  while (!done()) {
    if (performance.now() > end) throw new Error(`Not within ${limit} ms: ${what()}`);
    await sleep(EVERY);
  }
}

/** The value of a promise, or an error that says what did not happen. */
export function within<T>(promise: Promise<T>, what: string, limit: number = SOON): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`Not within ${limit} ms: ${what}`)), limit);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** How long a promise takes, in milliseconds. */
export async function timed(promise: Promise<unknown>): Promise<number> {
  const began = performance.now();
  await promise;
  return performance.now() - began;
}

/** How a connection ended. */
export function end<T>({ closed }: { readonly closed: Promise<T> }, limit?: number): Promise<T> {
  return within(closed, "the connection has not ended", limit);
}

/** Something to wait for, until the test opens it. */
export interface Gate {
  readonly opened: Promise<void>;
  readonly open: () => void;
}

export function gate(): Gate {
  let open!: () => void;
  const opened = new Promise<void>((resolve) => (open = resolve));
  return { opened, open };
}
