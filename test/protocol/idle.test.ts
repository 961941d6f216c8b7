// When connections free their compression context.

import { expect, test } from "vitest";
import { IdleRelease, type Releasing } from "../../src/protocol/idle.ts";

/** Timers that the tests run. */
function timers() {
  const running = new Map<() => void, number>();
  const idle = new IdleRelease((ms, call) => {
    running.set(call, ms);
    return () => void running.delete(call);
  });
  return {
    idle,
    get running() {
      return [...running.values()];
    },
    tick(ms: number) {
      for (const [call, every] of running) if (every === ms) call();
    },
  };
}

function one(releaseAfter: number): Releasing & { released: number } {
  return {
    releaseAfter,
    released: 0,
    release() {
      this.released++;
    },
  };
}

test("releases once, after a whole tick without use", () => {
  const { idle, tick } = timers();
  const a = one(100);
  idle.used(a);
  tick(100);
  expect(a.released).toBe(0);
  tick(100);
  expect(a.released).toBe(1);
  idle.used(a);
  tick(100);
  tick(100);
  expect(a.released).toBe(2);
});

test("keeps the context of a connection that is used again and again", () => {
  const { idle, tick } = timers();
  const [a, b] = [one(100), one(100)];
  idle.used(b);
  for (let i = 0; i < 10; i++) {
    idle.used(a);
    tick(100);
  }
  expect([a.released, b.released]).toEqual([0, 1]);
});

test("runs one timer per period, and none without connections", () => {
  const on = timers();
  expect(on.running).toEqual([]);
  const all = [one(100), one(100), one(300), one(Infinity)];
  for (const each of all) on.idle.used(each);
  expect(on.running).toEqual([100, 300]);
  on.tick(100);
  on.tick(100);
  expect(on.running).toEqual([300]);
  expect(all.map(({ released }) => released)).toEqual([1, 1, 0, 0]);
  on.idle.forget(all[2]!);
  expect(on.running).toEqual([]);
});

test("does not release a forgotten connection", () => {
  const on = timers();
  const [a, b] = [one(100), one(100)];
  on.idle.used(a);
  on.idle.used(b);
  on.tick(100);
  on.idle.forget(a);
  on.idle.forget(one(5));
  on.tick(100);
  expect([a.released, b.released]).toEqual([0, 1]);
  expect(on.running).toEqual([]);
});
