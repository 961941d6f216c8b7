// Checks the verdicts of a soak on connections, from the reports of both ends.

import { describe, expect, test } from "vitest";
import { Chain } from "./chain.ts";
import { judge } from "./judge.ts";
import { sha256 } from "./node.ts";
import { END, type Order } from "./order.ts";
import { type Direction, refused, type Report } from "./report.ts";
import type { Message } from "./session.ts";

const ORDER: Order = {
  id: 1,
  client: "ws",
  way: "bare",
  url: "",
  up: [
    ["text", 3, 1],
    ["binary", 2, 1],
  ],
  down: [],
  pace: 0,
  echo: true,
  room: 0,
  slowServer: 0,
  slowClient: 0,
  pings: false,
  closer: "client",
  proxy: undefined,
  abort: undefined,
};
const CUT: Order = { ...ORDER, proxy: "cut" };
const MESSAGES: Message[] = ["abc", Uint8Array.of(1, 2), END];

function direction(messages: readonly Message[]): Promise<Direction> {
  const chain = new Chain(sha256);
  for (const message of messages) chain.add(message);
  return chain.direction();
}

async function report(sent: readonly Message[], received: readonly Message[], code = 1000): Promise<Report> {
  const [out, back] = [await direction(sent), await direction(received)];
  return { opened: true, code, sent: out, received: back, pings: 0, pongs: "right" };
}

/** The verdict for a server that echoes everything, given the messages that the client received. */
async function judged(order: Order, received: readonly Message[], code: number): Promise<string[]> {
  const server = await report(MESSAGES, MESSAGES, code);
  return judge(order, server, await report(MESSAGES, received, code)).faults.slice();
}

describe("a connection that ended cleanly", () => {
  test("has all messages unchanged and in order", async () => {
    const client = await report(MESSAGES, MESSAGES);
    expect(judge(ORDER, await report(MESSAGES, MESSAGES), client)).toEqual({ outcome: "clean", faults: [] });
  });

  test.each<[string, Message[], string]>([
    ["a lost message", ["abc", END], "2 messages instead of 3"],
    ["a message twice", ["abc", "abc", Uint8Array.of(1, 2), END], "4 messages instead of 3"],
    ["a changed byte", ["abc", Uint8Array.of(1, 3), END], "message 1 differs"],
    ["text as binary", [new TextEncoder().encode("abc"), Uint8Array.of(1, 2), END], "message 0 differs"],
    ["two messages out of order", [Uint8Array.of(1, 2), "abc", END], "message 0 differs"],
    ["the last message missing", ["abc", Uint8Array.of(1, 2)], "2 messages instead of 3"],
  ])("must not have %s", async (_, received, fault) => {
    expect((await judged(ORDER, received, 1000)).join()).toContain(fault);
    // This also holds after a fault, if the Close has arrived.
    expect((await judged(CUT, received, 1000)).join()).toContain(fault);
  });

  test("must not lack messages that the server had to send", async () => {
    const server = await report([END], MESSAGES);
    expect(judge(ORDER, server, await report(MESSAGES, [END])).faults).toEqual(["the server sent 1 of 3 messages"]);
  });

  test("must not have a Ping without its Pong", async () => {
    const client: Report = { ...(await report(MESSAGES, MESSAGES)), pongs: "wrong" };
    expect(judge(ORDER, await report(MESSAGES, MESSAGES), client).faults).toHaveLength(1);
  });
});

describe("a connection that was cut", () => {
  test.each([0, 1, 2, 3])("may have the first %i messages", async (count) => {
    expect(await judged(CUT, MESSAGES.slice(0, count), 1006)).toEqual([]);
  });

  test.each<[string, Message[]]>([
    ["a gap", ["abc", END]],
    ["a changed message", ["abd"]],
    ["more than was sent", [...MESSAGES, "more"]],
  ])("must not have %s", async (_, received) => {
    expect(await judged(CUT, received, 1006)).not.toEqual([]);
  });

  test("is wrong if no fault cut it", async () => {
    expect((await judged(ORDER, MESSAGES, 1006)).join()).toContain("did not end cleanly: client: 1006");
    const stalled: Order = { ...ORDER, proxy: "stall" };
    expect((await judged(stalled, MESSAGES, 1006)).join()).toContain("did not end cleanly");
    expect(judge(ORDER, undefined, refused("no")).faults.join()).toContain("client: not opened (no), server: nothing");
  });

  test("may have been cut before it opened", () => {
    expect(judge(CUT, undefined, refused("no"))).toEqual({ outcome: "not opened", faults: [] });
  });

  test("must be reported by both ends", async () => {
    const one = await report(MESSAGES, [], 1006);
    expect(judge(CUT, one, undefined).faults).toEqual(["the client has not ended"]);
    expect(judge(CUT, undefined, one).faults).toEqual(["the server has not ended"]);
  });
});
