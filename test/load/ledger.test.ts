// The books of a connection, without one: what is counted for what comes back, and when.

import { describe, expect, test } from "vitest";
import { Ledger } from "../../src/load/ledger.ts";
import { Messages } from "../../src/load/messages.ts";
import { Tally } from "../../src/load/tally.ts";
import { Random } from "../support/random.ts";

const messages = new Messages(32, false);

interface Books {
  readonly ledger: Ledger;
  readonly tally: Tally;
  /** The codes of errors, with their counts. */
  readonly errors: () => Record<string, number>;
  /** Answers message `index` with the same. */
  readonly answer: (index: number, now?: number) => void;
  readonly wrong: (now?: number) => void;
}

/** A ledger that measures from the beginning on. */
function open(options: { inFlight?: number; dueAt?: (number: number) => number } = {}): Books {
  const tally = new Tally();
  tally.begin = 0;
  const ledger = new Ledger({ messages, tally, inFlight: 10, ...options });
  return {
    ledger,
    tally,
    errors: () => Object.fromEntries(tally.errors.list().map(({ code, count }) => [code, count])),
    answer: (index, now = 0) => ledger.receive(messages.data(index % messages.count), 32, now),
    wrong: (now = 0) => ledger.receive("something else", 14, now),
  };
}

describe("what may be sent", () => {
  test("is what is missing up to the limit", () => {
    const { ledger, answer } = open({ inFlight: 3 });
    expect(ledger.allowance).toBe(3);
    ledger.send(2, 0);
    expect([ledger.allowance, ledger.inFlight, ledger.next, ledger.due]).toEqual([1, 2, 2, 0]);
    answer(0);
    expect([ledger.allowance, ledger.inFlight, ledger.next, ledger.due]).toEqual([2, 1, 2, 1]);
  });

  test("with a rate is what is due, up to the limit", () => {
    const { ledger } = open({ inFlight: 3, dueAt: () => 0 });
    expect(ledger.allowance).toBe(0);
    ledger.makeReady(2);
    expect([ledger.allowance, ledger.unsent]).toEqual([2, 2]);
    ledger.send(2, 0);
    ledger.makeReady(5);
    expect([ledger.allowance, ledger.unsent]).toEqual([1, 5]);
  });

  test("goes on with the first message after the last", () => {
    const { ledger } = open({ inFlight: Infinity });
    ledger.send(messages.count - 1, 0);
    ledger.match(messages.count - 1, 0);
    ledger.send(3, 0);
    expect([ledger.next, ledger.due]).toEqual([2, messages.count - 1]);
    ledger.match(3, 0);
    expect(ledger.due).toBe(2);
  });
});

describe("an answer", () => {
  test("that is the same is received", () => {
    const { ledger, tally, errors, answer } = open();
    ledger.send(2, 0);
    answer(0);
    answer(1);
    expect(errors()).toEqual({});
    expect(tally).toMatchObject({ sent: 2, received: 2, unanswered: 0, mismatches: 0, unexpected: 0 });
  });

  test("that is another is wrong, and the next may be right", () => {
    const { ledger, tally, errors, answer, wrong } = open();
    ledger.send(3, 0);
    answer(0);
    wrong();
    answer(2);
    expect(errors()).toEqual({ MISMATCH: 1 });
    expect(tally).toMatchObject({ received: 3, mismatches: 1 });
    expect(tally.errors.list()[0]!.message).toBe("text of 32 bytes was answered with text of 14 bytes");
    expect(ledger.inFlight).toBe(0);
  });

  test("to a later message: those before it have none", () => {
    const { ledger, tally, errors, answer } = open();
    ledger.send(4, 0);
    answer(2);
    expect(errors()).toEqual({ UNANSWERED: 2 });
    expect(tally).toMatchObject({ sent: 4, received: 1, unanswered: 2 });
    expect([ledger.inFlight, ledger.due]).toEqual([1, 3]);
  });

  test("that came before, or that nobody asked for, is unexpected", () => {
    const { ledger, tally, errors, answer, wrong } = open();
    wrong();
    ledger.send(2, 0);
    answer(0);
    answer(0);
    answer(1);
    wrong();
    expect(errors()).toEqual({ UNEXPECTED: 3 });
    expect(tally).toMatchObject({ received: 2, unexpected: 3, mismatches: 0 });
  });

  test("that comes after a wrong one for the same message: the wrong one was no answer", () => {
    const { ledger, tally, errors, answer, wrong } = open();
    ledger.send(2, 0);
    wrong();
    expect(errors()).toEqual({ MISMATCH: 1 });
    answer(0);
    expect(errors()).toEqual({ UNEXPECTED: 1 });
    answer(1);
    expect(tally).toMatchObject({ received: 2, mismatches: 0, unexpected: 1 });
  });
});

test("what is given up is unanswered, once", () => {
  const { ledger, tally, errors } = open();
  ledger.send(3, 0);
  ledger.giveUp("the end");
  ledger.giveUp("the end");
  expect(errors()).toEqual({ UNANSWERED: 3 });
  expect(tally.errors.list()[0]!.message).toBe("the end");
  expect([ledger.inFlight, tally.unanswered]).toEqual([0, 3]);
});

describe("latency", () => {
  test("counts from when a message was sent, of right answers", () => {
    const { ledger, tally, answer, wrong } = open();
    ledger.send(2, 100);
    ledger.send(2, 103);
    answer(0, 105);
    wrong(200);
    answer(3, 113);
    expect(tally.latency.count).toBe(2);
    expect([tally.latency.min, tally.latency.max]).toEqual([5, 10]);
  });

  test("with a rate counts from when it was due", () => {
    const { ledger, tally, answer } = open({ dueAt: (number) => 100 + 10 * number });
    ledger.makeReady(3);
    ledger.send(3, 500);
    answer(0, 500);
    answer(2, 500);
    expect(tally.latency.count).toBe(2);
    expect([tally.latency.min, tally.latency.max]).toEqual([380, 400]);
  });

  test("is of what was sent in the measured time", () => {
    const { ledger, tally, answer } = open();
    Object.assign(tally, { begin: 10, end: 20 });
    for (const [index, sent] of [9, 10, 19, 20].entries()) {
      ledger.send(1, sent);
      answer(index, 30);
    }
    expect([tally.latency.count, tally.latency.min, tally.latency.max]).toEqual([2, 11, 20]);
  });

  test("with a rate also of what has waited since before", () => {
    const { ledger, tally, answer } = open({ dueAt: (number) => [0, 5, 15, 25][number]! });
    Object.assign(tally, { begin: 10, end: 20 });
    ledger.makeReady(4);
    ledger.send(4, 0);
    answer(0, 9);
    answer(1, 12);
    answer(2, 30);
    answer(3, 40);
    expect([tally.latency.count, tally.latency.min, tally.latency.max]).toEqual([2, 7, 15]);
  });
});

test("whatever comes, every message that was sent is settled once", () => {
  const random = new Random(11);
  for (let round = 0; round < 60; round++) {
    const { ledger, tally, answer, wrong } = open({ inFlight: random.integer(1, 20) });
    let now = 0;
    for (let step = 0; step < 200; step++, now++) {
      const kind = random.integer(0, 9);
      if (kind < 4 && ledger.allowance > 0) ledger.send(random.integer(1, ledger.allowance), now);
      else if (kind < 7 && ledger.inFlight > 0) answer(ledger.due, now);
      else if (kind === 7) answer(ledger.due + random.integer(0, 12), now);
      else if (kind === 8) wrong(now);
      else if (ledger.inFlight > 0) ledger.match(random.integer(1, ledger.inFlight), now);
      expect(tally.received + tally.unanswered + ledger.inFlight).toBe(tally.sent);
      expect(ledger.inFlight).toBeGreaterThanOrEqual(0);
      expect(tally.mismatches).toBeGreaterThanOrEqual(0);
      expect(tally.errors.count).toBe(tally.mismatches + tally.unanswered + tally.unexpected);
      expect(tally.latency.count).toBeLessThanOrEqual(tally.received - tally.mismatches);
    }
    ledger.giveUp("the end");
    expect(tally.received + tally.unanswered).toBe(tally.sent);
  }
});
