// Turns of the event loop, with a clock that the tests set.

import { expect, test } from "vitest";
import { Turns } from "../../src/protocol/turns.ts";

/** A loop whose turns the tests run. */
function loop() {
  let now = 1000;
  const next: (() => void)[] = [];
  const turns = new Turns({ now: () => now, soon: (go) => void next.push(go) });
  return {
    turns,
    /** The number of scheduled turns. */
    get asked() {
      return next.length;
    },
    pass(ms: number) {
      now += ms;
    },
    /** A slice that takes `ms` milliseconds. */
    slice(ms: number) {
      turns.begin();
      now += ms;
      turns.end();
    },
    /** Begins the next turn. */
    turn() {
      const all = next.splice(0);
      for (const go of all) go();
    },
  };
}

type Loop = ReturnType<typeof loop>;

/** Does `slices` slices of `ms` each, as many per turn as allowed. */
function worker(on: Loop, name: string, slices: number, ms: number, log: string[]): () => void {
  let left = slices;
  const serve = (): void => {
    do {
      on.slice(ms);
      log.push(name);
      left--;
    } while (left > 0 && on.turns.hasTime);
    if (left > 0) on.turns.wait(serve);
  };
  return serve;
}

test("allows slices until they have taken 2 ms in a turn", () => {
  const on = loop();
  expect(on.turns.hasTime).toBe(true);
  on.slice(1.5);
  expect(on.turns.hasTime).toBe(true);
  // Time between slices does not count.
  on.pass(100);
  expect(on.turns.hasTime).toBe(true);
  on.slice(0.5);
  expect(on.turns.hasTime).toBe(false);
  on.turn();
  expect(on.turns.hasTime).toBe(true);
});

test("counts a running slice", () => {
  const on = loop();
  on.turns.begin();
  expect(on.turns.hasTime).toBe(true);
  on.pass(2);
  expect(on.turns.hasTime).toBe(false);
  on.turns.end();
  expect(on.turns.hasTime).toBe(false);
});

test("counts nested slices once", () => {
  const on = loop();
  on.turns.begin();
  on.slice(0.9);
  on.pass(0.2);
  on.turns.end();
  expect(on.turns.hasTime).toBe(true);
  on.slice(0.8);
  expect(on.turns.hasTime).toBe(true);
  on.slice(0.1);
  expect(on.turns.hasTime).toBe(false);
});

test("short slices schedule no turn until they add up", () => {
  const on = loop();
  for (let i = 0; i < 4; i++) on.slice(0.1);
  expect(on.asked).toBe(0);
  on.slice(0.1);
  expect(on.asked).toBe(1);
  on.slice(0.1);
  expect(on.asked).toBe(1);
});

test("serves waiting workers in order, one slice each, round after round", () => {
  const on = loop();
  const log: string[] = [];
  for (const name of ["a", "b", "c"]) on.turns.wait(worker(on, name, 3, 1, log));
  const turns: string[] = [];
  while (on.asked > 0) {
    log.length = 0;
    on.turn();
    turns.push(log.join(""));
  }
  // The last turn only renews the budget.
  expect(turns).toEqual(["ab", "ca", "bc", "ab", "c", ""]);
});

test("a worker that is alone continues while there is time", () => {
  const on = loop();
  const log: string[] = [];
  on.turns.wait(worker(on, "a", 9, 0.5, log));
  on.turn();
  expect(log).toHaveLength(4);
  on.turn();
  expect(log).toHaveLength(8);
});

test("no worker overtakes those that wait", () => {
  const on = loop();
  on.turns.wait(() => {});
  expect(on.turns.hasTime).toBe(false);
  on.turn();
  expect(on.turns.hasTime).toBe(true);
});

test("serves the next in the queue in the next turn, however long a slice takes", () => {
  const on = loop();
  const log: string[] = [];
  for (const name of ["a", "b"]) on.turns.wait(worker(on, name, 1, 50, log));
  on.turn();
  expect(log).toEqual(["a"]);
  on.turn();
  expect(log).toEqual(["a", "b"]);
});

test("does not serve a worker that has left", () => {
  const on = loop();
  const log: string[] = [];
  const [a, b] = ["a", "b"].map((name) => worker(on, name, 1, 1, log));
  on.turns.wait(a!);
  on.turns.wait(b!);
  on.turns.leave(a!);
  on.turn();
  expect(log).toEqual(["b"]);
  expect(on.turns.hasTime).toBe(true);
});

test("a clock that does not advance does not make a turn endless", () => {
  const on = loop();
  const log: string[] = [];
  on.turns.wait(worker(on, "a", 1000, 0, log));
  on.turn();
  expect(log.length).toBeGreaterThan(10);
  expect(log.length).toBeLessThan(100);
  while (on.asked > 0) on.turn();
  expect(log).toHaveLength(1000);
});

test("a clock that goes back does not shorten a turn", () => {
  const on = loop();
  on.slice(1.5);
  on.slice(-5);
  on.slice(0.5);
  expect(on.turns.hasTime).toBe(false);
});

test("an exception does not stop the others", () => {
  const on = loop();
  const log: string[] = [];
  on.turns.wait(() => {
    throw new Error("own");
  });
  on.turns.wait(worker(on, "b", 1, 1, log));
  expect(() => on.turn()).toThrow("own");
  on.turn();
  expect(log).toEqual(["b"]);
  expect(on.turns.hasTime).toBe(true);
});
