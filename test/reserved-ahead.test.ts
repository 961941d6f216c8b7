// The memory that headers with large lengths cost, for all connections together.

import { describe, expect, test } from "vitest";
import { FrameDecoder, Protocol } from "../src/index.ts";

const MIB = 1048576;
/** How much larger than twice the received bytes the buffers of a thread may be: see src/frame/collector.ts. */
const BUDGET = 64 * MIB;

/** The header of a binary frame that announces `announced` bytes, and its first `length` bytes of payload. */
function begin(announced: number, length: number, { fin = true } = {}): Uint8Array {
  const bytes = new Uint8Array(14 + length);
  bytes[0] = fin ? 0x82 : 0x02;
  bytes[1] = 0xff;
  new DataView(bytes.buffer).setBigUint64(2, BigInt(announced));
  return bytes;
}

/** A receiver, which takes the next bytes of its connection. */
interface Receiver {
  take(bytes: Uint8Array): void;
}

const kinds: readonly (readonly [
  name: string,
  make: (allocate: (length: number) => Uint8Array<ArrayBuffer>) => Receiver,
])[] = [
  [
    "FrameDecoder.decode()",
    (allocate) => {
      const decoder = new FrameDecoder({ role: "server", copy: true, allocate });
      return { take: (bytes) => void decoder.decode(bytes) };
    },
  ],
  [
    "Protocol",
    (allocate) => {
      const protocol = new Protocol({ role: "server", allocate });
      return { take: (bytes) => void protocol.receive(bytes) };
    },
  ],
];

/** Counts the memory in use: a collector frees its buffer when it gets a larger one. */
function counted(make: (typeof kinds)[number][1]): { receiver: Receiver; size(): number } {
  let size = 0;
  const receiver = make((length) => {
    size = length;
    return new Uint8Array(length);
  });
  return { receiver, size: () => size };
}

/** Collects garbage, and lets the runtime report it. */
async function collectGarbage(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    await new Promise((resolve) => setImmediate(resolve));
    globalThis.gc!();
  }
  await new Promise((resolve) => setTimeout(resolve, 5));
}

/** The size of the first buffer for a frame of 100 MiB, after 60 KiB have arrived. */
function firstBuffer(make: (typeof kinds)[number][1]): number {
  const { receiver, size } = counted(make);
  receiver.take(begin(100 * MIB, 61440));
  return size();
}

describe.each(kinds)("%s", (_name, make) => {
  test("500 headers of 100 MiB with 60 KiB each reserve at most twice the received bytes, plus 64 MiB", async () => {
    await collectGarbage();
    const all = Array.from({ length: 500 }, () => counted(make));
    let arrived = 0;
    // Send in two steps, because buffers beyond the budget only grow with the received bytes.
    const first = begin(100 * MIB, 30720);
    for (const { receiver } of all) receiver.take(first);
    for (const { receiver } of all) receiver.take(new Uint8Array(30720));
    arrived = all.length * 61440;
    const reserved = all.reduce((sum, { size }) => sum + size(), 0);
    expect(reserved).toBeGreaterThan(arrived);
    expect(reserved).toBeLessThanOrEqual(2 * arrived + BUDGET);
  });

  test("a single message of 20 MiB is allocated only twice", async () => {
    await collectGarbage();
    let allocations = 0;
    const receiver = make((length) => {
      allocations++;
      return new Uint8Array(length);
    });
    receiver.take(begin(20 * MIB, 65536));
    for (let i = 1; i < 320; i++) receiver.take(new Uint8Array(65536));
    expect(allocations).toBe(2);
  });

  test("messages still arrive beyond the budget", async () => {
    await collectGarbage();
    const waiting = Array.from({ length: 100 }, () => counted(make));
    for (const { receiver } of waiting) receiver.take(begin(100 * MIB, 61440));
    const { receiver, size } = counted(make);
    receiver.take(begin(4 * MIB, 65536));
    expect(size()).toBeLessThanOrEqual(131072);
    for (let i = 1; i < 64; i++) receiver.take(new Uint8Array(65536));
    expect(size()).toBe(4 * MIB);
  });

  test("a complete message does not use the budget", async () => {
    await collectGarbage();
    // Keep the connections in memory, so that garbage collection returns nothing.
    const kept = Array.from({ length: 80 }, () => {
      const { receiver, size } = counted(make);
      receiver.take(begin(1200 * 1024, 61440));
      expect(size()).toBe(1200 * 1024);
      receiver.take(new Uint8Array(1200 * 1024 - 61440));
      return receiver;
    });
    expect(firstBuffer(make)).toBe(20 * 61440);
    expect(kept).toHaveLength(80);
  });

  test("returns the budget of dropped connections", async () => {
    await collectGarbage();
    const fill = () => {
      const all = Array.from({ length: 100 }, () => counted(make));
      for (const { receiver } of all) receiver.take(begin(100 * MIB, 61440));
      expect(firstBuffer(make)).toBe(2 * 61440);
    };
    fill();
    await collectGarbage();
    expect(firstBuffer(make)).toBe(20 * 61440);
  });

  test("does not count memory that could not be allocated", async () => {
    await collectGarbage();
    for (let i = 0; i < 100; i++) {
      const receiver = make(() => {
        throw new RangeError("no memory");
      });
      try {
        receiver.take(begin(100 * MIB, 61440));
      } catch {
        // A Protocol does not throw here.
      }
    }
    expect(firstBuffer(make)).toBe(20 * 61440);
  });
});

test("a fragmented message reserves up to the length of its first frame, and counts", async () => {
  await collectGarbage();
  const protocols = kinds[1]![1];
  const all = Array.from({ length: 80 }, () => counted(protocols));
  for (const { receiver } of all) receiver.take(begin(100 * MIB, 61440, { fin: false }));
  const reserved = all.reduce((sum, { size }) => sum + size(), 0);
  expect(reserved).toBeLessThanOrEqual(80 * 2 * 61440 + BUDGET);
});
