// Simulated time: timers, immediates and the clock of the event loop advance in a fixed order as soon as there is
// nothing left to do.

import { AsyncResource } from "node:async_hooks";

type Callback = (...args: unknown[]) => void;

const real = { setImmediate, now: performance.now.bind(performance) };
/** After this many turns, a world that has not come to rest counts as endless. */
const MOST_TURNS = 100_000;
/** Tasks that are due up to this many milliseconds after the end of a run still run. */
const GRACE = 50;
/** The maximum number of events in one poll phase. */
const MOST_POLLED = 64;

/** A simulated timer or immediate. */
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
  /** Whether the event happens in another process, independently of this one. */
  readonly outside: boolean;
}

/** Runs all pending promises and ticks. */
function drain(): Promise<void> {
  return new Promise((resolve) => void real.setImmediate(resolve));
}

export class Scheduler {
  now = 1000;
  /** The number of timers and immediates that have run. */
  ran = 0;
  readonly #step: number;
  #timers: Task[] = [];
  #immediates: Task[] = [];
  #polled: Polled[] = [];
  #turns = 0;

  /** @param step how far the clock advances each time it is read, in ms */
  constructor(step: number) {
    this.#step = step;
  }

  /** The number of active timers. */
  get timers(): number {
    return this.#timers.length;
  }

  /** Allows the world to continue without coming to rest. */
  forgive(): void {
    this.#turns = 0;
  }

  /** Schedules an event outside, which the event loop notices when it polls. */
  poll(delay: number, call: () => void): void {
    this.#add(delay, call, false);
  }

  /** Schedules an event in another process, which happens even while the event loop is blocked. */
  outside(delay: number, call: () => void): void {
    this.#add(delay, call, true);
  }

  /** Blocks the event loop for this many milliseconds. */
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

  /** Replaces the real timers and clock. Returns a function that restores them. */
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

  /** Runs the event loop until `done`, or for `most` milliseconds. Returns whether `done` was reached. */
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
      // If every reading of the clock takes time, something may always be due.
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
