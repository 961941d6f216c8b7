// Time that goes by as soon as nothing is left to do: timers, immediates and the clock of the event loop, in a fixed order.

import { AsyncResource } from "node:async_hooks";

type Callback = (...args: unknown[]) => void;

const real = { setImmediate, now: performance.now.bind(performance) };
/** After this many turns a world that does not come to rest never will. */
const MOST_TURNS = 100_000;
/** What is due at the end of a run is done, if it takes no longer, in milliseconds. */
const GRACE = 50;
/** Events of one poll phase, at most. */
const MOST_POLLED = 64;

/** What timers and immediates are here. */
class Task {
  at: number;
  cancelled = false;
  readonly every: number | undefined;
  readonly #resource: AsyncResource = new AsyncResource("TASK");
  readonly #call: Callback;
  readonly #args: unknown[];

  constructor(at: number, every: number | undefined, call: Callback, args: unknown[]) {
    this.at = at;
    this.every = every;
    this.#call = call;
    this.#args = args;
  }

  run(): void {
    this.#resource.runInAsyncScope(this.#call, undefined, ...this.#args);
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  hasRef(): boolean {
    return true;
  }
}

interface Polled {
  readonly at: number;
  readonly call: () => void;
  /** Whether it happens in another process, whatever this one does. */
  readonly outside: boolean;
}

/** All promises and ticks that are due run. */
function drain(): Promise<void> {
  return new Promise((resolve) => void real.setImmediate(resolve));
}

export class Scheduler {
  now = 1000;
  /** How many timers and immediates have run. */
  ran = 0;
  readonly #step: number;
  #timers: Task[] = [];
  #immediates: Task[] = [];
  #polled: Polled[] = [];
  #turns = 0;

  /** @param step how far the clock goes each time somebody looks at it */
  constructor(step: number) {
    this.#step = step;
  }

  /** Timers that are set. */
  get timers(): number {
    return this.#timers.length;
  }

  /** It may go on although it did not come to rest. */
  forgive(): void {
    this.#turns = 0;
  }

  /** Something happens outside, which the event loop sees when it polls. */
  poll(delay: number, call: () => void): void {
    this.#add(delay, call, false);
  }

  /** The same for what happens in another process, also while the event loop is blocked. */
  outside(delay: number, call: () => void): void {
    this.#add(delay, call, true);
  }

  /** The event loop is blocked for so many milliseconds. */
  block(time: number): void {
    const end = this.now + time;
    for (;;) {
      const index = this.#polled.findIndex(({ at, outside }) => outside && at <= end);
      if (index < 0) break;
      const [{ at, call }] = this.#polled.splice(index, 1) as [Polled];
      this.now = Math.max(this.now, at);
      call();
    }
    this.now = Math.max(this.now, end);
  }

  #add(delay: number, call: () => void, outside: boolean): void {
    const at = this.now + delay;
    let index = this.#polled.length;
    while (index > 0 && this.#polled[index - 1]!.at > at) index--;
    this.#polled.splice(index, 0, { at, call, outside });
  }

  /** Puts itself in the place of the real one. Returns what undoes that. */
  install(): () => void {
    const set = (call: Callback, delay: number, every: boolean, args: unknown[]): Task => {
      const ms = delay >= 1 && delay <= 2147483647 ? Math.trunc(delay) : 1;
      const task = new Task(this.now + ms, every ? ms : undefined, call, args);
      this.#timers.push(task);
      return task;
    };
    const clear = (task: Task | undefined): void => {
      if (!(task instanceof Task)) return;
      task.cancelled = true;
      const index = this.#timers.indexOf(task);
      if (index >= 0) this.#timers.splice(index, 1);
    };
    const fakes = {
      setTimeout: (call: Callback, delay = 1, ...args: unknown[]) => set(call, delay, false, args),
      setInterval: (call: Callback, delay = 1, ...args: unknown[]) => set(call, delay, true, args),
      setImmediate: (call: Callback, ...args: unknown[]) => {
        const task = new Task(this.now, undefined, call, args);
        this.#immediates.push(task);
        return task;
      },
      clearTimeout: clear,
      clearInterval: clear,
      clearImmediate: clear,
    };
    const before = Object.fromEntries(Object.keys(fakes).map((name) => [name, Reflect.get(globalThis, name)]));
    Object.assign(globalThis, fakes);
    Object.defineProperty(performance, "now", {
      value: () => (this.now += this.#step),
      configurable: true,
      writable: true,
    });
    return () => {
      Object.assign(globalThis, before);
      Reflect.deleteProperty(performance, "now");
    };
  }

  /** Turns the event loop until `done`, or for `most` milliseconds. Returns whether it was done. */
  async run(most: number, done: () => boolean): Promise<boolean> {
    const end = this.now + most;
    await drain();
    for (;;) {
      if (done()) return true;
      if (++this.#turns > MOST_TURNS) throw new Error("the event loop never comes to rest");
      let idle = true;
      for (const task of this.#due()) {
        if (task.cancelled) continue;
        idle = false;
        if (task.every === undefined) this.#timers.splice(this.#timers.indexOf(task), 1);
        else task.at = this.now + task.every;
        this.ran++;
        task.run();
        await drain();
      }
      for (let i = 0; i < MOST_POLLED && this.#polled.length > 0 && this.#polled[0]!.at <= this.now; i++) {
        idle = false;
        this.#polled.shift()!.call();
        await drain();
      }
      const immediates = this.#immediates;
      this.#immediates = [];
      for (const task of immediates) {
        if (task.cancelled) continue;
        idle = false;
        this.ran++;
        task.run();
        await drain();
      }
      // Where each look at the clock takes time, something may always be due.
      if (!idle && this.now > end + GRACE) return done();
      if (!idle) continue;
      const next = Math.min(this.#polled[0]?.at ?? Infinity, ...this.#timers.map(({ at }) => at));
      if (next > end) {
        this.now = Math.max(this.now, end);
        return done();
      }
      this.now = Math.max(this.now, next);
    }
  }

  #due(): Task[] {
    const due = this.#timers.filter(({ at }) => at <= this.now);
    return due.length > 1 ? due.sort((a, b) => a.at - b.at) : due;
  }
}
