// After send() has returned, or an awaited write() of streams, the buffer belongs to its owner again.

import { expect, vi } from "vitest";
import { perMessageDeflate } from "../../src/index.ts";
import { IN_THE_END } from "./support/time.ts";
import { allWays, each, MARKS, nodeWays, ROLES } from "./support/ways.ts";

// Run few tests at a time, because they keep the processor busy.
vi.setConfig({ maxConcurrency: 10 });

const SIZES = [10, 5 * 1024, 64 * 1024, 1024 * 1024];
const BEFORE = 0x61;
const AFTER = 0x62;

function expectBefore(messages: readonly (string | Buffer)[], sizes: readonly number[]): void {
  expect(messages.map(({ length }) => length)).toEqual(sizes);
  const wrong = messages.filter((message) => !Buffer.from(message).equals(Buffer.alloc(message.length, BEFORE)));
  expect(
    wrong.map(({ length }) => length),
    "changed after send()",
  ).toEqual([]);
}

each("a buffer that is reused, binary", allWays({ roles: ROLES, marks: MARKS }), async (open) => {
  const { subject, peer } = await open();
  for (const size of SIZES) {
    const buffer = new Uint8Array(size).fill(BEFORE);
    expect(await subject.send(buffer)).toBe(true);
    buffer.fill(AFTER);
  }
  await peer.take(SIZES.length);
  expectBefore(peer.messages, SIZES);
});

each("one buffer for many messages", allWays({ roles: ROLES, marks: MARKS }), async (open) => {
  const { subject, peer } = await open();
  for (const size of SIZES.slice(0, 3)) {
    const buffer = new Uint8Array(size);
    for (let i = 0; i < 5; i++) {
      buffer.fill(i);
      expect(await subject.send(buffer)).toBe(true);
    }
  }
  await peer.take(15);
  expect(peer.messages.map((message) => [message[0], message.at(-1)])).toEqual(
    Array.from({ length: 15 }, (_, i) => [i % 5, i % 5]),
  );
});

each("a buffer that is reused while the peer does not read", allWays({ roles: ROLES, halves: true }), async (open) => {
  const { subject, peer } = await open();
  peer.line.pause();
  const size = 64 * 1024;
  const count = 80;
  const buffer = new Uint8Array(size);
  const written: (boolean | Promise<boolean>)[] = [];
  const isNode = "connection" in subject;
  // Streams own a buffer until its write() is done, so each message has its own.
  for (let i = 0; i < count; i++) {
    const own = isNode ? buffer : new Uint8Array(size);
    own.fill(i);
    const done = subject.send(own);
    written.push(done instanceof Promise ? done.then((sent) => (own.fill(AFTER), sent)) : done);
  }
  peer.line.resume();
  expect((await Promise.all(written)).every(Boolean)).toBe(true);
  await peer.take(count, IN_THE_END);
  expect(peer.messages.map((message) => [message[0], message.at(-1)])).toEqual(
    Array.from({ length: count }, (_, i) => [i, i]),
  );
});

for (const [name, options] of [
  ["text in bytes", { binary: false }],
  ["in fragments", { fragmentSize: 1000 }],
] as const) {
  each(`a buffer that is reused, ${name}`, nodeWays({ roles: ROLES, marks: MARKS }), async (open) => {
    const { subject, peer } = await open();
    const sizes = SIZES.slice(0, 3);
    for (const size of sizes) {
      const buffer = new Uint8Array(size).fill(BEFORE);
      expect(subject.connection.send(buffer, options)).toBe(true);
      buffer.fill(AFTER);
    }
    await peer.take(sizes.length);
    expectBefore(peer.messages, sizes);
  });
}

each("an ArrayBuffer, a view with an offset, and with compression", nodeWays({ roles: ROLES }), async (open) => {
  for (const extensions of [[], [perMessageDeflate({ threshold: 1 << 20 })]]) {
    const { subject, peer } = await open({ options: { extensions } });
    const { buffer } = new Uint8Array(6000).fill(BEFORE);
    const views = [buffer, new Uint8Array(buffer, 10, 5000), new DataView(buffer, 3, 9)];
    for (const view of views) {
      expect(subject.connection.send(view)).toBe(true);
      new Uint8Array(buffer).fill(AFTER);
      await peer.take(1);
      expectBefore([peer.messages.pop()!], [view.byteLength]);
      new Uint8Array(buffer).fill(BEFORE);
    }
  }
});

each("the payload of a Ping", nodeWays({ roles: ROLES }), async (open) => {
  const { subject, peer } = await open();
  const buffer = new Uint8Array(4).fill(BEFORE);
  subject.connection.ping(buffer);
  subject.connection.pong(buffer);
  buffer.fill(AFTER);
  await peer.until(() => peer.log.length === 2, "no ping or Pong");
  expect(peer.log).toEqual(["ping:aaaa", "pong:aaaa"]);
});
