// A slow side makes the other wait, continues when it can, and holds no more memory than it should.

import { constants, deflateRawSync } from "node:zlib";
import { expect, vi } from "vitest";
import { type Extension, type ExtensionSession, perMessageDeflate } from "../../src/index.ts";
import { binary, close, text, toRole } from "../support/wire.ts";
import { end, IN_THE_END, sleep, within } from "./support/time.ts";
import { allWays, CONSUMERS, each, MARKS, nodeWays, ROLES, SENDERS } from "./support/ways.ts";

// Run few tests at a time, because they keep the processor busy.
vi.setConfig({ maxConcurrency: 10 });

const consuming = { roles: ROLES, marks: MARKS, consumers: CONSUMERS };

each("a slow handler gets every message", allWays(consuming), async (open) => {
  const got: number[] = [];
  const { peer } = await open({
    begin: (subject) =>
      subject.receive(async (data) => {
        await sleep(1);
        got.push(Number(String(data).slice(0, 4)));
      }),
  });
  const count = 40;
  for (let i = 0; i < count; i++) peer.write(text(`${String(i).padStart(4, "0")}${"x".repeat(3000)}`));
  await peer.until(() => got.length === count, "not all");
  expect(got).toEqual(Array.from({ length: count }, (_, i) => i));
});

each(
  "reading continues each time that it has stopped",
  allWays({ roles: ROLES, marks: MARKS, consumers: ["for await"] }),
  async (open) => {
    let got = 0;
    const { peer } = await open({ begin: (subject) => subject.receive(() => void got++) });
    for (let round = 1; round <= 5; round++) {
      peer.write(text("x".repeat(2000)), text("y"));
      peer.write(text("z".repeat(20_000)));
      await peer.until(() => got === 3 * round, `round ${round}`);
      await sleep(2);
    }
  },
);

const BIG = 65_536;

each(
  "a peer that does not read its echoes waits, and gets all of them in the end",
  nodeWays({ roles: ["server"], marks: MARKS, senders: SENDERS }),
  async (open, { role }) => {
    const { peer } = await open({ begin: (subject) => subject.receive((data) => subject.answer(data)) });
    const frame = toRole(role, binary(new Uint8Array(BIG).fill(7)));
    peer.line.pause();
    // Send more than the buffers of the system in both directions, plus 1 MiB.
    const count = 400;
    for (let i = 0; i < count; i++) peer.line.write(frame);
    await sleep(200);
    expect(peer.line.waiting).toBeGreaterThan(0);
    peer.line.resume();
    await peer.take(count, IN_THE_END);
    expect(peer.bytes).toBe(count * BIG);
  },
);

each(
  "a slow reader makes the peer wait",
  allWays({ roles: ROLES, marks: MARKS, consumers: ["for await"] }),
  async (open, { role }) => {
    let got = 0;
    let release!: () => void;
    const released = new Promise<void>((resolve) => (release = resolve));
    const { peer } = await open({
      begin: (subject) =>
        subject.receive(async () => {
          got++;
          await released;
        }),
    });
    const frame = toRole(role, binary(new Uint8Array(BIG).fill(7)));
    const count = 250;
    for (let i = 0; i < count; i++) peer.line.write(frame);
    await peer.until(() => got > 0, "nothing");
    await sleep(200);
    expect(peer.line.waiting).toBeGreaterThan(0);
    expect(got).toBe(1);
    release();
    await peer.until(() => got === count, `${got} of ${count}`, IN_THE_END);
  },
);

/** permessage-deflate that counts the bytes it has inflated. */
function counting(): { readonly extension: Extension; readonly inflated: () => number } {
  const inner = perMessageDeflate();
  let inflated = 0;
  const extension: Extension = {
    ...inner,
    open(role, response) {
      const session = inner.open(role, response);
      const counted: ExtensionSession = {
        encode: (part) => session.encode(part),
        decode(message) {
          const data = session.decode(message);
          inflated += data.length;
          return data;
        },
      };
      return counted;
    },
  };
  return { extension, inflated: () => inflated };
}

const INFLATED = 256 * 1024;
const COMPRESSED = deflateRawSync(Buffer.alloc(INFLATED), { finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4);

each(
  "one chunk of compressed messages does not fill the memory without a reader",
  allWays({ roles: ROLES, marks: MARKS, consumers: CONSUMERS }),
  async (open, { highWaterMark, role }) => {
    const { extension, inflated } = counting();
    const { subject, peer } = await open({ options: { extensions: [extension] } });
    const count = Math.floor(20_000 / (COMPRESSED.length + 8));
    expect(count).toBeGreaterThan(50);
    const frame = toRole(role, { opcode: 2, rsv: 4, payload: COMPRESSED });
    peer.line.write(Buffer.concat(Array.from({ length: count }, () => frame)));
    await sleep(50);
    // The message that exceeds the mark has been inflated completely, and a web stream may hold one more.
    expect(inflated()).toBeLessThanOrEqual(highWaterMark + 3 * INFLATED);
    let bytes = 0;
    subject.receive((data) => (bytes += data.length));
    await peer.until(() => bytes === count * INFLATED, `${bytes} of ${count * INFLATED} bytes`, IN_THE_END);
  },
);

each(
  "one chunk of small messages does not exceed the mark without a reader",
  nodeWays({ roles: ROLES, marks: [1024, 0], consumers: CONSUMERS }),
  async (open, { role }) => {
    let allocated = 0;
    const { subject, peer } = await open({
      options: { allocate: (length) => ((allocated += length), new Uint8Array(length)) },
    });
    // Two fragments, so that each message is collected.
    const one = toRole(role, binary(new Uint8Array(50), { fin: false }), { opcode: 0, payload: new Uint8Array(50) });
    const count = 500;
    peer.line.write(Buffer.concat(Array.from({ length: count }, () => one)));
    await sleep(50);
    expect(allocated).toBeLessThan(10_000);
    let got = 0;
    subject.receive(() => void got++);
    await peer.until(() => got === count, `${got} of ${count}`);
  },
);

each(
  "replies to a peer that does not read stay near the mark, even within one chunk",
  nodeWays({ roles: ["server"], marks: [1024, 0], consumers: CONSUMERS }),
  async (open, { role }) => {
    let handled = 0;
    const reply = "x".repeat(BIG);
    const { peer } = await open({
      begin: (subject) =>
        subject.receive(() => {
          handled++;
          return subject.send(reply);
        }),
    });
    peer.line.pause();
    // Each request asks for 64 KiB. Together, the replies are far more than the sockets hold.
    const count = 800;
    const one = toRole(role, text("?"));
    peer.line.write(Buffer.concat(Array.from({ length: count }, () => one)));
    await sleep(200);
    expect(handled).toBeLessThan(count / 2);
    peer.line.resume();
    await peer.take(count, 10_000);
  },
);

each(
  "close() in a handler while many messages wait: they are delivered one at a time, in order, completely",
  nodeWays({ roles: ROLES, marks: MARKS, consumers: CONSUMERS }),
  async (open, { role, highWaterMark }) => {
    const { subject, peer } = await open();
    // These are enough messages to overflow the stack, if each call were nested.
    const count = highWaterMark < 1 << 20 ? 3000 : 15_000;
    const one = toRole(role, text(""));
    peer.line.write(Buffer.concat([...Array.from({ length: count }, () => one), toRole(role, text("last"))]));
    await sleep(30);
    let depth = 0;
    let deepest = 0;
    const got: string[] = [];
    subject.receive((data) => {
      depth++;
      deepest = Math.max(deepest, depth);
      got.push(data as string);
      // The stack must be deep enough to be detected, but not so deep that the process crashes.
      if (depth < 50) subject.close(4002);
      depth--;
    });
    await peer.until(() => peer.close !== undefined, "no Close");
    peer.write(close(4002));
    peer.line.end();
    const { code, wasClean } = await end(subject);
    expect([code, wasClean]).toEqual([4002, true]);
    expect(deepest).toBe(1);
    expect(got.length).toBe(count + 1);
    expect(got.at(-1)).toBe("last");
  },
);

each(
  "a handler that sends, pauses and closes is never called from inside itself",
  nodeWays({ roles: ROLES, marks: MARKS }),
  async (open) => {
    const { subject, peer } = await open();
    const { connection } = subject;
    peer.write(...Array.from({ length: 20 }, (_, i) => text(String(i))));
    await sleep(20);
    const log: string[] = [];
    let inside = false;
    const handler = (data: string | Uint8Array): void => {
      log.push(inside ? `${String(data)} inside` : String(data));
      inside = true;
      connection.off("message", handler);
      connection.on("message", handler);
      connection.ping();
      connection.send("answer");
      inside = false;
    };
    connection.on("message", handler);
    await peer.take(20);
    expect(log).toEqual(Array.from({ length: 20 }, (_, i) => String(i)));
  },
);

each(
  "close() while pieces do not end and a loop is slow: later data of the peer is still limited",
  nodeWays({ roles: ROLES, marks: [1024], consumers: ["for await"] }).filter(({ transport }) => transport === "tcp"),
  async (open) => {
    const closeTimeout = 300;
    let taken = 0;
    let isOver = false;
    const { subject, peer } = await open({
      options: { closeTimeout },
      begin: (subject) =>
        subject.receive((data) => {
          taken += data.length;
          return isOver ? undefined : sleep(20);
        }),
    });
    const { connection } = subject;
    async function* source(): AsyncGenerator<string> {
      yield "a";
      await new Promise(() => {});
    }
    const done = connection.send(source());
    connection.close(1000);
    const message = toRole(connection.response ? "client" : "server", binary(new Uint8Array(16_384)));
    while (connection.ending === undefined) {
      if (peer.line.waiting < 1 << 20) for (let i = 0; i < 16; i++) peer.line.write(message);
      await sleep(2);
    }
    isOver = true;
    await within(subject.loopEnded, "the loop has not ended");
    expect(await done).toBe(false);
    expect(peer.close).toBe("close:1011");
    expect(taken).toBeLessThan(2 << 20);
  },
);
