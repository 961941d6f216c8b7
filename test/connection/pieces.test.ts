// A message in pieces, and messages sent while it is being sent.

import { Readable } from "node:stream";
import { expect } from "vitest";
import { close, text, toRole } from "../support/wire.ts";
import type { Pieces } from "../../src/node/index.ts";
import type { Message } from "./support/subject.ts";
import { end, gate, sleep, timed, within } from "./support/time.ts";
import { CONSUMERS, each, MARKS, nodeWays, ROLES } from "./support/ways.ts";

const ways = nodeWays({ roles: ROLES, marks: MARKS });
const serverWays = nodeWays({ roles: ["server"], marks: [1024, 0], consumers: CONSUMERS });
const plainWays = nodeWays({ roles: ROLES });

const sent = (promise: Promise<boolean>): Promise<boolean> => within(promise, "the pieces are not sent");

each("each piece is sent when it arrives", ways, async (open) => {
  const { subject, peer } = await open();
  const [first, second] = [gate(), gate()];
  async function* source(): AsyncGenerator<string> {
    yield "a";
    await first.opened;
    yield "b";
    await second.opened;
  }
  const done = subject.connection.send(source());
  await peer.until(() => peer.frames.length > 0, "not the first piece");
  expect(peer.frames[0]).toMatchObject({ fin: false, opcode: 1 });
  expect(String(peer.frames[0]!.payload)).toBe("a");
  first.open();
  await peer.until(() => peer.frames.length > 1, "not the second piece");
  expect(peer.frames[1]).toMatchObject({ fin: false, opcode: 0 });
  expect(String(peer.frames[1]!.payload)).toBe("b");
  second.open();
  expect(await sent(done)).toBe(true);
  await peer.take(1);
  expect(peer.messages).toEqual(["ab"]);
});

each("a source that fills one buffer again and again", ways, async (open) => {
  const { subject, peer } = await open();
  for (const size of [8, 5000, 70_000]) {
    async function* source(): AsyncGenerator<Uint8Array> {
      const buffer = new Uint8Array(size);
      for (let i = 1; i <= 4; i++) {
        buffer.fill(i);
        if (i === 3) await sleep(2);
        yield buffer;
      }
    }
    expect(await sent(subject.connection.send(source()))).toBe(true);
    await peer.take(1);
    const message = peer.messages.pop() as Buffer;
    expect(message.length).toBe(4 * size);
    const expected = Buffer.concat([1, 2, 3, 4].map((i) => Buffer.alloc(size, i)));
    expect(message.equals(expected), `pieces of ${size}`).toBe(true);
  }
});

each("more than the mark is sent in the meantime: all of it arrives, after the pieces", ways, async (open) => {
  const { subject, peer } = await open();
  const go = gate();
  async function* source(): AsyncGenerator<string> {
    yield "a";
    await go.opened;
    for (let i = 0; i < 5; i++) yield "b".repeat(1000);
  }
  const done = subject.connection.send(source());
  const others = ["x".repeat(500_000), "y".repeat(500_000), "", "z".repeat(500_000)];
  const before = subject.connection.bufferedAmount;
  for (const other of others) expect(subject.send(other)).toBe(true);
  expect(subject.connection.bufferedAmount - before).toBeGreaterThanOrEqual(1_500_000);
  await sleep(10);
  expect(peer.messages).toEqual([]);
  go.open();
  expect(await sent(done)).toBe(true);
  await peer.take(1 + others.length);
  expect(peer.log).toEqual(["text:5001", "text:500000", "text:500000", "text:", "text:500000"]);
  await within(subject.connection.drained(), "not drained");
  expect(subject.connection.bufferedAmount).toBe(0);
});

each("close() after pieces and other messages sends them first", ways, async (open) => {
  const { subject, peer } = await open();
  async function* source(): AsyncGenerator<string> {
    yield "a";
    await sleep(40);
    yield "b";
    await sleep(40);
    yield "c";
  }
  const done = subject.connection.send(source());
  await sleep(20);
  expect(subject.send("important")).toBe(true);
  subject.close(4001);
  expect(subject.send("late")).toBe(false);
  await peer.until(() => peer.close !== undefined, "no Close");
  expect(peer.log).toEqual(["text:abc", "text:important", "close:4001"]);
  expect(await sent(done)).toBe(true);
  peer.write(close(4001));
  peer.line.end();
  expect((await end(subject)).wasClean).toBe(true);
});

each("close() while a source has nothing more: closeTimeout", plainWays, async (open) => {
  const { subject } = await open({ options: { closeTimeout: 300 } });
  async function* source(): AsyncGenerator<string> {
    yield "a";
    await new Promise(() => {});
  }
  const done = subject.connection.send(source());
  await sleep(20);
  subject.close(4001);
  expect(await timed(end(subject))).toBeLessThan(2000);
  expect(await sent(done)).toBe(false);
});

each("Pings and Pongs go between the pieces", ways, async (open) => {
  const { subject, peer } = await open({ begin: (subject) => subject.receive(() => {}) });
  const go = gate();
  async function* source(): AsyncGenerator<string> {
    yield "a";
    await go.opened;
    yield "b";
  }
  const done = subject.connection.send(source());
  subject.connection.ping("ours");
  peer.write({ opcode: 9, payload: Buffer.from("theirs") });
  await peer.until(() => peer.log.includes("ping:ours") && peer.log.includes("pong:theirs"), "no ping or Pong");
  expect(peer.messages).toEqual([]);
  go.open();
  expect(await sent(done)).toBe(true);
  await peer.take(1);
});

each("several messages in pieces at once, and whole ones, in order", ways, async (open) => {
  const { subject, peer } = await open();
  async function* source(name: string): AsyncGenerator<string> {
    for (let i = 0; i < 3; i++) {
      yield name + i;
      await sleep(1);
    }
  }
  const one = subject.connection.send(source("a"));
  expect(subject.send("whole 1")).toBe(true);
  const two = subject.connection.send(source("b"));
  expect(subject.send("whole 2")).toBe(true);
  const three = subject.connection.send(source("c"));
  expect(await sent(one)).toBe(true);
  expect(await sent(two)).toBe(true);
  expect(await sent(three)).toBe(true);
  await peer.take(5);
  expect(peer.messages).toEqual(["a0a1a2", "whole 1", "b0b1b2", "whole 2", "c0c1c2"]);
});

each("an invalid message does not affect others", ways, async (open) => {
  const { subject, peer } = await open();
  const go = gate();
  async function* source(): AsyncGenerator<string> {
    yield "a";
    await go.opened;
    yield "b";
  }
  const done = subject.connection.send(source());
  expect(subject.send("before")).toBe(true);
  // Text that is not UTF-8.
  expect(() => subject.connection.send(Uint8Array.of(0xff), { binary: false })).toThrow();
  expect(() => subject.connection.send("x", { fragmentSize: -1 })).toThrow();
  expect(subject.send("after")).toBe(true);
  go.open();
  expect(await sent(done)).toBe(true);
  await peer.take(3);
  expect(peer.messages).toEqual(["ab", "before", "after"]);
});

each("answers that wait for pieces count: no more is read than the mark allows", serverWays, async (open, { role }) => {
  let handled = 0;
  const { subject, peer } = await open({
    begin: (subject) =>
      subject.receive((data) => {
        handled++;
        return subject.send(data);
      }),
  });
  const go = gate();
  async function* source(): AsyncGenerator<string> {
    yield "a";
    await go.opened;
  }
  const done = subject.connection.send(source());
  const count = 2000;
  const one = toRole(role, text(""));
  peer.line.write(Buffer.concat(Array.from({ length: count }, () => one)));
  await sleep(50);
  expect(handled).toBeLessThan(1100);
  go.open();
  expect(await sent(done)).toBe(true);
  // Each piece is a separate write.
  await peer.take(1 + count, 10_000);
  expect(peer.messages.slice(0, 2)).toEqual(["a", ""]);
});

each("many messages wait for pieces, in constant time each", nodeWays({ roles: ["client"] }), async (open) => {
  const { subject, peer } = await open({ begin: (subject) => subject.receive(() => {}) });
  const go = gate();
  async function* source(): AsyncGenerator<string> {
    yield "a";
    await go.opened;
  }
  const done = subject.connection.send(source());
  const count = 20_000;
  for (let i = 0; i < count; i++) subject.send("");
  const began = performance.now();
  for (let i = 0; i < 1000; i++) void subject.connection.bufferedAmount;
  // This takes about 1 ms if each check is one addition, and 100 times as long if each check sums up all pieces.
  expect(performance.now() - began).toBeLessThan(20);
  go.open();
  expect(await sent(done)).toBe(true);
  await peer.take(1 + count);
});

/** A source of steps: the values that next() returns or throws. */
function steps(list: readonly unknown[], more: object = {}): Pieces {
  let at = 0;
  const iterator = {
    next: (): unknown => {
      const step = list[at++];
      if (step instanceof Error) throw step;
      return step;
    },
    ...more,
  };
  return { [Symbol.asyncIterator]: () => iterator } as unknown as Pieces;
}

const piece = (value: Message): object => ({ value, done: false });
const END = { value: undefined, done: true };

each("a source whose next() returns plain values", plainWays, async (open) => {
  const { subject, peer } = await open();
  expect(await sent(subject.connection.send(steps([piece("a"), piece("b"), END])))).toBe(true);
  await peer.take(1);
  expect(peer.messages).toEqual(["ab"]);
});

each("a source that fails in the middle closes with 1011", plainWays, async (open) => {
  const failures: Pieces[] = [
    steps([piece("a"), new Error("disk")]),
    steps(
      [piece("a"), Promise.reject(new Error("disk"))].map((step) => (step instanceof Promise ? quiet(step) : step)),
    ),
    steps([Promise.resolve(piece("a")), new Error("disk")]),
  ];
  for (const source of failures) {
    const { subject, peer } = await open();
    await expect(sent(subject.connection.send(source))).rejects.toThrow("disk");
    await peer.until(() => peer.close !== undefined, "no Close");
    expect(peer.close).toBe("close:1011");
    expect(peer.messages).toEqual([]);
  }
});

/** Handles the rejection, because the test awaits it only later. */
function quiet<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

each("a source that ends the message with something that is not a piece", plainWays, async (open) => {
  const { subject, peer } = await open();
  await expect(sent(subject.connection.send(steps([piece("a"), { value: 5, done: false }, END])))).rejects.toThrow(
    TypeError,
  );
  await peer.until(() => peer.close !== undefined, "no Close");
  expect(peer.close).toBe("close:1011");
});

for (const [name, more] of [
  ["returns a plain value", { return: () => END }],
  [
    "throws",
    {
      return: () => {
        throw new Error("return");
      },
    },
  ],
  ["rejects", { return: () => Promise.reject(new Error("return")) }],
  ["is missing", {}],
] as const) {
  each(`the connection ends in the meantime, and the source's return() ${name}`, plainWays, async (open) => {
    let returned = 0;
    const { subject, peer } = await open();
    const counted =
      "return" in more
        ? {
            return: () => {
              returned++;
              return more.return();
            },
          }
        : {};
    const done = subject.connection.send(
      steps([Promise.resolve(piece("a")), Promise.resolve(piece("b")), new Promise(() => {})], counted),
    );
    await sleep(20);
    peer.line.reset();
    expect(await sent(done)).toBe(false);
    expect(returned).toBe("return" in more ? 1 : 0);
    await end(subject);
  });
}

each("a closed connection releases a source at once", plainWays, async (open) => {
  const { subject, peer } = await open({ begin: (subject) => subject.receive(() => {}) });
  peer.write(close(1000));
  peer.line.end();
  await end(subject);
  const source = Readable.from(["a", "b"]);
  expect(await sent(subject.connection.send(source))).toBe(false);
  await sleep(20);
  expect(source.destroyed).toBe(true);
});

each("large messages that wait for pieces keep their bytes", plainWays, async (open) => {
  const { subject, peer } = await open();
  const { connection } = subject;
  const last = gate();
  async function* source(): AsyncGenerator<Uint8Array> {
    yield new Uint8Array(5000);
    await last.opened;
    yield new Uint8Array(5000);
  }
  const done = connection.send(source());
  const buffer = new Uint8Array(5000).fill(1);
  connection.send(buffer);
  buffer.fill(9);
  // The first piece has been written, and its memory may be reused.
  await peer.until(() => peer.frames.length > 0, "not the first piece");
  await sleep(10);
  const other = await open();
  for (let i = 0; i < 4; i++) other.subject.connection.send(new Uint8Array(5000).fill(2));
  await other.peer.take(4);
  last.open();
  expect(await sent(done)).toBe(true);
  await peer.take(2);
  expect(new Set(peer.messages[1] as Buffer)).toEqual(new Set([1]));
});

each(
  "a great many messages that wait for pieces are sent in linear time",
  nodeWays({ roles: ["server"] }),
  async (open) => {
    const { subject, peer } = await open();
    const { connection } = subject;
    const last = gate();
    async function* source(): AsyncGenerator<string> {
      yield "a";
      await last.opened;
    }
    const done = connection.send(source());
    for (let i = 0; i < 200_000; i++) connection.send("");
    last.open();
    await sent(done);
    // This would take a second if each message moved all the others.
    expect(await timed(connection.drained().then(() => peer.take(1)))).toBeLessThan(2500);
  },
);
