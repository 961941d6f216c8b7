// A closed connection keeps no part of a message, even while the application keeps the connection.

import { expect, test } from "vitest";
import { type MessageSink, Protocol } from "../../src/index.ts";

const ignore = () => {};
const sink: MessageSink = { text: ignore, binary: ignore, ping: ignore, pong: ignore, error: ignore, close: ignore };

/** A frame header that announces `announced` bytes, with a mask of zeros. */
function begin(announced: number, first = 0x82): Uint8Array {
  const bytes = new Uint8Array(65536);
  bytes.set([first, 0xff]);
  new DataView(bytes.buffer).setBigUint64(2, BigInt(announced));
  return bytes;
}

/**
 * Collects garbage until a condition holds, a few times at most. Objects stay alive until the end of the turn that used them.
 */
async function collect(until: () => boolean): Promise<void> {
  for (let i = 0; i < 10; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc!();
    if (until()) return;
  }
}

const ends: readonly (readonly [name: string, end: (protocol: Protocol) => void])[] = [
  ["the stream ends", (protocol) => protocol.pushEnd(sink)],
  ["the stream is cut", (protocol) => protocol.cut(sink)],
  ["the peer breaks a rule", (protocol) => protocol.push(Uint8Array.of(0x83, 0x80, 0, 0, 0, 0), sink)],
  ["the message gets too long", (protocol) => protocol.push(begin(104857600, 0x80), sink)],
];

test.each(ends)("%s", async (_name, end) => {
  const buffers: WeakRef<ArrayBuffer>[] = [];
  const protocol = new Protocol({
    role: "server",
    allocate: (length) => {
      const bytes = new Uint8Array(length);
      buffers.push(new WeakRef(bytes.buffer));
      return bytes;
    },
  });
  protocol.push(begin(131072, 0x02), sink);
  protocol.push(new Uint8Array(65536 + 14), sink);
  const alive = () => buffers.filter((buffer) => buffer.deref() !== undefined).length;
  await collect(() => alive() === 1);
  expect(alive()).toBe(1);
  end(protocol);
  await collect(() => alive() === 0);
  expect(alive()).toBe(0);
  expect(protocol.state).toBeDefined();
});

test("a connection that ends while paused keeps none of the received bytes", () => {
  const protocol = new Protocol({ role: "server" });
  protocol.pause();
  protocol.push(begin(60_000), sink);
  const held = protocol.heldBytes;
  protocol.cut(sink);
  expect([held > 0, protocol.heldBytes, protocol.state]).toEqual([true, 0, "closed"]);
});
