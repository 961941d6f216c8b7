// Received messages are delivered in order, whatever follows them, and can be answered.

import { expect } from "vitest";
import type { RawFrame } from "../reference/serialize.ts";
import { binary, close, continuation, ping, text, toRole } from "../support/wire.ts";
import type { Message } from "./support/subject.ts";
import { end, sleep, within } from "./support/time.ts";
import {
  allWays,
  CONSUMERS,
  each,
  MARKS,
  nodeWays,
  ROLES,
  SENDERS,
  STREAMS_THAT_END,
  streamsWays,
} from "./support/ways.ts";

/** A frame of a reserved opcode (RFC 6455 §5.2). */
const BAD: RawFrame = { opcode: 3 };

const all = { roles: ROLES, marks: MARKS, consumers: CONSUMERS, senders: SENDERS };
const consuming = { roles: ROLES, marks: MARKS, consumers: CONSUMERS };

const LENGTHS = [0, 1, 125, 126, 5000, 65_535, 65_536];
const CONVERSATION: readonly Message[] = [
  ...LENGTHS.flatMap((length) => ["x".repeat(length), new Uint8Array(length).fill(length & 255)]),
  "grüße 🙂",
  ...Array.from({ length: 50 }, (_, i) => `message ${i}`),
];
const frameOf = (message: Message): RawFrame => (typeof message === "string" ? text(message) : binary(message));
/** Made once, because masking byte by byte takes longer than all the rest. */
const CONVERSATIONS = Object.fromEntries(
  ROLES.map((role) => [role, CONVERSATION.map((message) => toRole(role, frameOf(message)))]),
);
const short = (message: Message): string =>
  typeof message === "string"
    ? `text:${message.length > 64 ? message.length : Buffer.from(message).toString("latin1")}`
    : `binary:${message.length > 64 ? message.length : Buffer.from(message).toString("latin1")}`;

each("an echo of every length, in order", allWays({ ...all, halves: true }), async (open, { role }) => {
  const { subject, peer } = await open({
    begin: (subject) => subject.receive((data) => subject.answer(data)),
  });
  for (const bytes of CONVERSATIONS[role]!) peer.line.write(bytes);
  await peer.take(CONVERSATION.length);
  expect(peer.log).toEqual(CONVERSATION.map(short));
  expect(peer.messages.every((data, i) => Buffer.from(CONVERSATION[i]!).equals(Buffer.from(data)))).toBe(true);
  peer.write(close(4000));
  await peer.until(() => peer.close !== undefined, "no Close");
  expect(peer.close).toBe("close:4000");
  expect(subject.errors).toEqual([]);
});

const HANDSHAKE = "the handshake's";

for (const [chunk, inHandshake] of [
  ["the same", false],
  [HANDSHAKE, true],
] as const) {
  for (const [ending, last, code] of [
    ["a Close", close(4001), "close:4001"],
    ["a bad frame", BAD, "close:1002"],
  ] as const) {
    each(`messages before ${ending} in ${chunk} chunk are answered`, allWays(all), async (open, { role }) => {
      const texts = Array.from({ length: 30 }, (_, i) => `message ${i}`);
      const bytes = toRole(role, ...texts.map((data) => text(data)), last);
      const { subject, peer } = await open({
        begin: (subject) => subject.receive((data) => subject.answer(data)),
        ...(inHandshake && { first: bytes }),
      });
      if (!inHandshake) peer.line.write(bytes);
      await peer.until(() => peer.close !== undefined || peer.ended, "no Close");
      expect(peer.log.filter((entry) => entry !== "end")).toEqual([...texts.map((data) => `text:${data}`), code]);
      peer.line.end();
      const { wasClean } = await end(subject);
      expect(wasClean).toBe(ending === "a Close");
      await within(subject.loopEnded, "the loop has not ended");
    });
  }
}

for (const [ending, last, code] of [
  ["a Close", close(4001), "close:4001"],
  ["a bad frame", BAD, "close:1002"],
] as const) {
  each(
    `a pipe answers messages before ${ending} in the same chunk`,
    streamsWays({ roles: ROLES, marks: MARKS, streams: STREAMS_THAT_END }),
    async (open, { role }) => {
      for (const inHandshake of [false, true]) {
        const bytes = toRole(role, text("a"), text("b"), text("c"), last);
        const { subject, peer } = await open({
          begin: (subject) => subject.pipe(),
          ...(inHandshake && { first: bytes }),
        });
        if (!inHandshake) peer.line.write(bytes);
        await peer.until(() => peer.close !== undefined || peer.ended, "no Close");
        expect(peer.log.filter((entry) => entry !== "end")).toEqual(["text:a", "text:b", "text:c", code]);
        peer.line.end();
        await end(subject);
        await within(subject.loopEnded, "the pipe has not ended");
      }
    },
  );
}

each("messages in the chunk of the handshake, and one more", allWays(consuming), async (open, { role }) => {
  const { peer } = await open({
    begin: (subject) => subject.receive((data) => subject.answer(data)),
    first: toRole(role, text("a"), ping("p"), text("b"), text("c")),
  });
  await peer.take(3);
  peer.write(text("d"));
  await peer.take(4);
  expect(peer.log.filter((entry) => entry !== "pong:p")).toEqual(["text:a", "text:b", "text:c", "text:d"]);
  expect(peer.log).toContain("pong:p");
});

each(
  "a loop that awaits before it answers holds back our Close",
  allWays({ roles: ROLES, marks: MARKS, consumers: ["for await"], senders: SENDERS }),
  async (open) => {
    const sent: unknown[] = [];
    const { subject, peer } = await open({
      begin: (subject) =>
        subject.receive(async (data) => {
          await sleep(10);
          sent.push(await subject.answer(data));
          await sleep(10);
          sent.push(await subject.answer(`${String(data)} again`));
        }),
    });
    peer.write(text("a"), text("b"), close(4001, "bye"));
    await peer.until(() => peer.close !== undefined || peer.ended, "no Close");
    expect(peer.log.filter((entry) => entry !== "end")).toEqual([
      "text:a",
      "text:a again",
      "text:b",
      "text:b again",
      "close:4001",
    ]);
    expect(sent).toEqual([true, true, true, true]);
    peer.line.end();
    expect(await end(subject)).toEqual({ code: 4001, reason: "bye", wasClean: true });
    await within(subject.loopEnded, "the loop has not ended");
  },
);

each(
  "a loop that never continues holds back our Close for closeTimeout",
  allWays({ roles: ROLES, consumers: ["for await"] }),
  async (open) => {
    let sent: unknown;
    let release!: () => void;
    const released = new Promise<void>((resolve) => (release = resolve));
    const { subject, peer } = await open({
      options: { closeTimeout: 400 },
      begin: (subject) =>
        subject.receive(async () => {
          await sleep(100);
          sent = await subject.send("answer");
          await released;
        }),
    });
    const began = performance.now();
    peer.write(text("a"), close(4001));
    await peer.until(() => peer.close !== undefined || peer.ended, "no Close");
    const time = performance.now() - began;
    release();
    expect(sent).toBe(true);
    expect(peer.log.filter((entry) => entry !== "end")).toEqual(["text:answer", "close:4001"]);
    expect(time).toBeGreaterThan(300);
    expect(time).toBeLessThan(1500);
    peer.line.end();
    expect((await end(subject)).code).toBe(4001);
  },
);

for (const size of [1, 2, 7]) {
  each(
    `a stream cut into chunks of ${size}`,
    allWays({ ...consuming, marks: [1024, 0], halves: true }),
    async (open, { role }) => {
      const { subject, peer } = await open({
        begin: (subject) => subject.receive((data) => subject.answer(data)),
      });
      const bytes = toRole(role, text("one"), ping("p"), binary(Uint8Array.of(1, 2)), text("two"), close(1000));
      for (let at = 0; at < bytes.length; at += size) {
        peer.line.write(bytes.slice(at, at + size));
        if (at % 3 === 0) await sleep(0);
      }
      await peer.until(() => peer.close !== undefined || peer.ended, "no Close");
      const answers = peer.log.filter((entry) => entry !== "end" && entry !== "pong:p");
      expect(answers).toEqual(["text:one", "binary:\u0001\u0002", "text:two", "close:1000"]);
      expect(peer.log).toContain("pong:p");
      peer.line.end();
      expect((await end(subject)).wasClean).toBe(true);
    },
  );
}

each("a message in fragments with a Ping in between", allWays(all), async (open) => {
  const { peer } = await open({ begin: (subject) => subject.receive((data) => subject.answer(data)) });
  const bytes = (data: string): Uint8Array => Buffer.from(data);
  peer.write(
    text("one "),
    text("a", { fin: false }),
    ping("p"),
    continuation(bytes("b"), { fin: false }),
    continuation(bytes("c")),
    text("two"),
  );
  await peer.take(3);
  expect(peer.messages).toEqual(["one ", "abc", "two"]);
  await peer.until(() => peer.log.includes("pong:p"), "no Pong");
});

each("a delivered message keeps its bytes", allWays(consuming), async (open) => {
  const got: Uint8Array[] = [];
  const { peer } = await open({
    begin: (subject) => subject.receive((data) => got.push(data as Uint8Array)),
  });
  for (let i = 0; i < 20; i++) peer.write(binary(new Uint8Array(3000).fill(i)), binary(new Uint8Array(7).fill(i)));
  await peer.until(() => got.length === 40, "not all");
  const kept = got.map((bytes) => [bytes.length, bytes[0], bytes.at(-1)]);
  expect(kept).toEqual(
    Array.from({ length: 20 }, (_, i) => [
      [3000, i, i],
      [7, i, i],
    ]).flat(),
  );
});

each("messages that arrived before there was a listener", allWays(consuming), async (open) => {
  const { subject, peer } = await open();
  const count = 60;
  for (let i = 0; i < count; i++) peer.write(text(`${i} ${"x".repeat(1500)}`));
  await sleep(50);
  const got: string[] = [];
  subject.receive((data) => got.push(String(data).split(" ")[0]!));
  await peer.until(() => got.length === count, "not all");
  expect(got).toEqual(Array.from({ length: count }, (_, i) => String(i)));
});

each(
  "two loops take turns: each can answer its message before our Close",
  nodeWays({ roles: ROLES, consumers: ["for await"] }),
  async (open) => {
    const answers: (readonly [string, boolean])[] = [];
    const { subject, peer } = await open({
      begin: ({ connection }) => {
        for (const time of [60, 5]) {
          const loop = async (): Promise<void> => {
            for await (const data of connection) {
              await sleep(time);
              answers.push([String(data), connection.send(`re ${String(data)}`)]);
            }
          };
          void loop();
        }
      },
    });
    peer.write(text("a"), text("b"), close(1000));
    await peer.until(() => peer.close !== undefined, "no Close");
    peer.line.end();
    await end(subject);
    expect(answers).toEqual([
      ["b", true],
      ["a", true],
    ]);
    expect(peer.log.slice(0, 3)).toEqual(["text:re b", "text:re a", "close:1000"]);
  },
);
