// Tests the ledger alone: what it counts for each answer, and when.

import { describe, expect, test } from "vitest";
import { Fence } from "../../src/load/fence.ts";
import { Ledger, type LedgerOptions } from "../../src/load/ledger.ts";
import { Messages } from "../../src/load/messages.ts";
import { Tally } from "../../src/load/tally.ts";
import { Random } from "../support/random.ts";

const messages = Messages.made(32, false);

interface Books {
  readonly ledger: Ledger;
  readonly tally: Tally;
  /** Returns the counts of errors by code. */
  readonly errors: () => Record<string, number>;
  /** Echoes message `index`. */
  readonly answer: (index: number, now?: number) => void;
  readonly wrong: (now?: number) => void;
}

/** Creates a ledger that measures from the start. */
function open(options: Partial<Omit<LedgerOptions, "tally">> = {}): Books {
  const tally = new Tally();
  tally.begin = 0;
  const ledger = new Ledger({ messages, tally, answers: "echo", inFlight: 10, ...options });
  const sent = options.messages ?? messages;
  return {
    ledger,
    tally,
    errors: () => Object.fromEntries(tally.errors.list().map(({ code, count }) => [code, count])),
    answer: (index, now = 0) => {
      const data = sent.data(index % sent.count);
      ledger.receive(data, data.length, now);
    },
    wrong: (now = 0) => ledger.receive("something else", 14, now),
  };
}

describe("the number of messages to send", () => {
  test("is the limit minus the messages in flight", () => {
    const { ledger, answer } = open({ inFlight: 3 });
    expect(ledger.allowance).toBe(3);
    ledger.send(2, 0);
    expect([ledger.allowance, ledger.inFlight, ledger.next, ledger.due]).toEqual([1, 2, 2, 0]);
    answer(0);
    expect([ledger.allowance, ledger.inFlight, ledger.next, ledger.due]).toEqual([2, 1, 2, 1]);
  });

  test("is the number of due messages up to the limit with a rate", () => {
    const { ledger } = open({ inFlight: 3, dueAt: () => 0 });
    expect(ledger.allowance).toBe(0);
    ledger.makeReady(2);
    expect([ledger.allowance, ledger.unsent]).toEqual([2, 2]);
    ledger.send(2, 0);
    ledger.makeReady(5);
    expect([ledger.allowance, ledger.unsent]).toEqual([1, 5]);
  });

  test("can go beyond the last message, which the first follows", () => {
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
  test("is right if it has the same content", () => {
    const { ledger, tally, errors, answer } = open();
    ledger.send(2, 0);
    answer(0);
    answer(1);
    expect(errors()).toEqual({});
    expect(tally).toMatchObject({ sent: 2, received: 2, unanswered: 0, mismatches: 0, unexpected: 0 });
  });

  test("is wrong if it has other content, and the next one can be right", () => {
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

  test("to a later message leaves the earlier ones unanswered", () => {
    const { ledger, tally, errors, answer } = open();
    ledger.send(4, 0);
    answer(2);
    expect(errors()).toEqual({ UNANSWERED: 2 });
    expect(tally).toMatchObject({ sent: 4, received: 1, unanswered: 2 });
    expect([ledger.inFlight, ledger.due]).toEqual([1, 3]);
  });

  test("that has arrived before, or when none was due, is unexpected", () => {
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

  test("after a wrong one for the same message makes the wrong one unexpected", () => {
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

test("recognizes a wrong answer even if more messages wait than there are in a period", () => {
  const large = Messages.made(600_000, false);
  expect(large.count).toBe(2);
  const { ledger, tally, errors, answer, wrong } = open({ messages: large });
  ledger.send(5, 0);
  answer(0);
  wrong();
  answer(2);
  expect(errors()).toEqual({ MISMATCH: 1 });
  expect(tally).toMatchObject({ received: 3, mismatches: 1, unanswered: 0 });
  expect(ledger.inFlight).toBe(2);
});

describe("your own messages", () => {
  const list = ["first", "second", Buffer.from("third"), "fourth"];
  const own = Messages.own(list, { binary: false });

  test("are compared, and wrong, missing and repeated answers are told apart", () => {
    const { ledger, errors, answer, wrong } = open({ messages: own });
    ledger.send(6, 0);
    answer(0);
    wrong();
    answer(3);
    answer(3);
    answer(4);
    answer(5);
    // Message 2 was not answered. The second answer to 3 looked like a wrong answer to 4.
    expect(errors()).toEqual({ MISMATCH: 1, UNANSWERED: 1, UNEXPECTED: 1 });
    expect(ledger.inFlight).toBe(0);
  });

  test("are answered wrongly if the answer is always another of them", () => {
    const { ledger, tally, errors, answer } = open({ messages: own, inFlight: 1 });
    let wrong = 0;
    for (let i = 0; i < 3 * own.count; i++) {
      ledger.send(1, 0);
      if (own.is(ledger.due, "second")) answer(ledger.due);
      else {
        wrong++;
        answer(1);
      }
      expect(ledger.inFlight).toBe(0);
    }
    expect(errors()).toEqual({ MISMATCH: wrong });
    expect(tally.unexpected).toBe(0);
  });

  test("count with their own sizes", () => {
    const { ledger, tally, answer } = open({ messages: own });
    ledger.send(3, 0);
    answer(0);
    expect(tally).toMatchObject({ completed: 1, payload: 5 });
    answer(1);
    answer(2);
    expect(tally).toMatchObject({ completed: 3, payload: 16 });
  });
});

describe("counted answers", () => {
  test("can have any content, and a message is timed with its last answer", () => {
    const { ledger, tally, errors, wrong } = open({ answers: 3 });
    ledger.send(2, 100);
    for (const now of [101, 102, 103, 104, 105]) wrong(now);
    expect([ledger.inFlight, tally.completed, tally.received]).toEqual([1, 1, 5]);
    expect([tally.latency.count, tally.latency.max]).toEqual([1, 3]);
    wrong(110);
    expect([ledger.inFlight, tally.completed, tally.received]).toEqual([0, 2, 6]);
    wrong();
    expect(errors()).toEqual({ UNEXPECTED: 1 });
  });

  test("leave a message unanswered if one is missing", () => {
    const { ledger, tally, errors, wrong } = open({ answers: 2 });
    ledger.send(3, 0);
    for (let i = 0; i < 3; i++) wrong();
    ledger.giveUp("the end");
    expect(errors()).toEqual({ UNANSWERED: 2 });
    expect(tally).toMatchObject({ sent: 3, completed: 1, received: 3, unanswered: 2, mismatches: 0 });
  });

  test.each([0, "any"] as const)("complete a message when it is sent, if answers is %s", (answers) => {
    const { ledger, tally, errors, wrong } = open({ answers, inFlight: Infinity });
    expect(ledger.allowance).toBe(Infinity);
    ledger.send(5, 0);
    expect([ledger.inFlight, ledger.next, ledger.due]).toEqual([0, 5, 5]);
    expect(tally).toMatchObject({ sent: 5, completed: 5, payload: 160, unanswered: 0 });
    wrong();
    expect(errors()).toEqual(answers === 0 ? { UNEXPECTED: 1 } : {});
    expect(tally.received).toBe(answers === 0 ? 0 : 1);
    expect(tally.latency.count).toBe(0);
  });

  test("do not limit what is sent with a rate", () => {
    const { ledger, tally } = open({ answers: 0, inFlight: Infinity, dueAt: () => 0 });
    ledger.makeReady(4);
    expect(ledger.allowance).toBe(4);
    ledger.send(3, 0);
    expect([ledger.unsent, tally.completed]).toEqual([1, 3]);
  });
});

test("a fence is closed while four Pings wait, and a Pong also answers earlier Pings", () => {
  const fence = new Fence();
  const pings = Array.from({ length: 4 }, () => {
    expect(fence.isOpen).toBe(true);
    return Buffer.from(fence.next());
  });
  expect([fence.isOpen, fence.waiting]).toEqual([false, 4]);
  for (const other of ["", "x", "0", "5", "-1"]) fence.pass(Buffer.from(other));
  expect(fence.waiting).toBe(4);
  fence.pass(pings[2]!);
  expect([fence.isOpen, fence.waiting]).toEqual([true, 1]);
  fence.pass(pings[0]!);
  expect(fence.waiting).toBe(1);
  fence.pass(pings[3]!);
  expect(fence.waiting).toBe(0);
});

test("giveUp() counts waiting messages as unanswered once", () => {
  const { ledger, tally, errors } = open();
  ledger.send(3, 0);
  ledger.giveUp("the end");
  ledger.giveUp("the end");
  expect(errors()).toEqual({ UNANSWERED: 3 });
  expect(tally.errors.list()[0]!.message).toBe("the end");
  expect([ledger.inFlight, tally.unanswered]).toEqual([0, 3]);
});

describe("latency", () => {
  test("counts right answers, from when the message was sent", () => {
    const { ledger, tally, answer, wrong } = open();
    ledger.send(2, 100);
    ledger.send(2, 103);
    answer(0, 105);
    wrong(200);
    answer(3, 113);
    expect(tally.latency.count).toBe(2);
    expect([tally.latency.min, tally.latency.max]).toEqual([5, 10]);
  });

  test("counts from when the message was due with a rate", () => {
    const { ledger, tally, answer } = open({ dueAt: (number) => 100 + 10 * number });
    ledger.makeReady(3);
    ledger.send(3, 500);
    answer(0, 500);
    answer(2, 500);
    expect(tally.latency.count).toBe(2);
    expect([tally.latency.min, tally.latency.max]).toEqual([380, 400]);
  });

  test("counts messages that were sent in the measured time", () => {
    const { ledger, tally, answer } = open();
    Object.assign(tally, { begin: 10, end: 20 });
    for (const [index, sent] of [9, 10, 19, 20].entries()) {
      ledger.send(1, sent);
      answer(index, 30);
    }
    expect([tally.latency.count, tally.latency.min, tally.latency.max]).toEqual([2, 11, 20]);
  });

  test("also counts messages that were due before the measured time with a rate", () => {
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

test("settles every sent message exactly once, whatever arrives", () => {
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
      expect([tally.completed, tally.payload]).toEqual([tally.received, 32 * tally.received]);
      expect(ledger.inFlight).toBeGreaterThanOrEqual(0);
      expect(tally.mismatches).toBeGreaterThanOrEqual(0);
      expect(tally.errors.count).toBe(tally.mismatches + tally.unanswered + tally.unexpected);
      expect(tally.latency.count).toBeLessThanOrEqual(tally.received - tally.mismatches);
    }
    ledger.giveUp("the end");
    expect(tally.received + tally.unanswered).toBe(tally.sent);
  }
});
