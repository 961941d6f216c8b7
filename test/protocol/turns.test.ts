// Turns of the event loop, with a clock that the tests move.

import { expect, test } from "vitest";
import { Turns } from "../../src/protocol/turns.ts";

/** A loop of which each turn is run by hand. */
function loop() {
  let now = 1000;
  const next: (() => void)[] = [];
  const turns = new Turns({ now: () => now, soon: (go) => void next.push(go) });
  return {
    turns,
    /** How many turns have been asked for. */
    get asked() {
      return next.length;
    },
    pass(ms: number) {
      now += ms;
    },
    /** A slice that takes so long. */
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

/** Takes `slices` slices of `ms` each, as many in a turn as it may. */
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

test("there is time until the slices of a turn have taken 2 ms together", () => {
  const on = loop();
  expect(on.turns.hasTime).toBe(true);
  on.slice(1.5);
  expect(on.turns.hasTime).toBe(true);
  // What is no slice does not count.
  on.pass(100);
  expect(on.turns.hasTime).toBe(true);
  on.slice(0.5);
  expect(on.turns.hasTime).toBe(false);
  on.turn();
  expect(on.turns.hasTime).toBe(true);
});

test("a running slice counts", () => {
  const on = loop();
  on.turns.begin();
  expect(on.turns.hasTime).toBe(true);
  on.pass(2);
  expect(on.turns.hasTime).toBe(false);
  on.turns.end();
  expect(on.turns.hasTime).toBe(false);
});

test("a slice inside of another counts once", () => {
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

test("short slices cost no turn of their own until they add up", () => {
  const on = loop();
  for (let i = 0; i < 4; i++) on.slice(0.1);
  expect(on.asked).toBe(0);
  on.slice(0.1);
  expect(on.asked).toBe(1);
  on.slice(0.1);
  expect(on.asked).toBe(1);
});

test("those that wait are served in order, one slice each, round and round", () => {
  const on = loop();
  const log: string[] = [];
  for (const name of ["a", "b", "c"]) on.turns.wait(worker(on, name, 3, 1, log));
  const turns: string[] = [];
  while (on.asked > 0) {
    log.length = 0;
    on.turn();
    turns.push(log.join(""));
  }
  // The last one only renews the budget.
  expect(turns).toEqual(["ab", "ca", "bc", "ab", "c", ""]);
});

test("alone it goes on while there is time", () => {
  const on = loop();
  const log: string[] = [];
  on.turns.wait(worker(on, "a", 9, 0.5, log));
  on.turn();
  expect(log).toHaveLength(4);
  on.turn();
  expect(log).toHaveLength(8);
});

test("nobody overtakes those that wait", () => {
  const on = loop();
  on.turns.wait(() => {});
  expect(on.turns.hasTime).toBe(false);
  on.turn();
  expect(on.turns.hasTime).toBe(true);
});

test("however long a slice takes, the next one in the queue is served in the next turn", () => {
  const on = loop();
  const log: string[] = [];
  for (const name of ["a", "b"]) on.turns.wait(worker(on, name, 1, 50, log));
  on.turn();
  expect(log).toEqual(["a"]);
  on.turn();
  expect(log).toEqual(["a", "b"]);
});

test("who has left is not served", () => {
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

test("a clock that stands still does not make a turn endless", () => {
  const on = loop();
  const log: string[] = [];
  on.turns.wait(worker(on, "a", 1000, 0, log));
  on.turn();
  expect(log.length).toBeGreaterThan(10);
  expect(log.length).toBeLessThan(100);
  while (on.asked > 0) on.turn();
  expect(log).toHaveLength(1000);
});

test("a clock that goes back takes nothing away", () => {
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
