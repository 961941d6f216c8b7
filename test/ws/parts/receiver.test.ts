import { Blob } from "node:buffer";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import type { Receiver, ReceiverOptions } from "../../../src/ws/receiver.ts";
import { concat, type RawFrame, serialize } from "../../reference/serialize.ts";
import { both, errorOf, type Parts } from "./support/both.ts";

const KEY = [0x12, 0x34, 0x56, 0x78];
const LONG = "é".repeat(40_000);
const bytes = (...values: number[]) => Uint8Array.from(values);
const unmasked = (...frames: RawFrame[]) => concat(frames.map((frame) => serialize(frame)));
const masked = (...frames: RawFrame[]) => concat(frames.map((frame) => serialize({ ...frame, maskKey: KEY })));

function text(payload: string, rest: Partial<RawFrame> = {}): RawFrame {
  return { opcode: 1, payload: Buffer.from(payload), ...rest };
}

/** Records the events of a receiver until it ends or fails. */
function record(receiver: Receiver): { events: unknown[][]; ended: Promise<void> } {
  const events: unknown[][] = [];
  for (const name of ["message", "ping", "pong", "conclude"]) {
    receiver.on(name, (...args: unknown[]) => events.push([name, ...args]));
  }
  const ended = new Promise<void>((resolve) => {
    receiver.on("finish", () => resolve());
    receiver.on("error", (error: unknown) => {
      events.push(["error", errorOf(error)]);
      resolve();
    });
  });
  return { events, ended };
}

/** The events for bytes that are written in chunks of `size`. */
async function receive({ Receiver }: Parts, options: ReceiverOptions, data: Uint8Array, size = data.length) {
  const receiver = new Receiver(options);
  const { events, ended } = record(receiver);
  // Write copies, because a receiver may unmask in place.
  for (let at = 0; at < data.length && !receiver.destroyed && !receiver.writableEnded; at += size) {
    receiver.write(Buffer.from(data.slice(at, at + size)), () => {});
  }
  receiver.end();
  await ended;
  return events;
}

/** Events with Buffers as strings, because comparing those is a thousand times faster. */
function plain(events: readonly unknown[][]): unknown[][] {
  return events.map((event) =>
    event.map((each) => (Buffer.isBuffer(each) ? `Buffer ${each.toString("latin1")}` : each)),
  );
}

/** Messages compressed in order by one sender. */
async function compressed({ PerMessageDeflate }: Parts, ...messages: string[]): Promise<Buffer[]> {
  const sender = new PerMessageDeflate();
  sender.accept([{}]);
  const result: Buffer[] = [];
  for (const message of messages) {
    const encoded = new Promise<Buffer>((resolve, reject) => {
      sender.compress(Buffer.from(message), true, (error, data) => (error ? reject(error) : resolve(data!)));
    });
    result.push(await encoded);
  }
  return result;
}

function agreed({ PerMessageDeflate }: Parts, options: { maxPayload?: number } = {}): ReceiverOptions {
  const deflate = new PerMessageDeflate({ isServer: true, ...options });
  deflate.accept([{}]);
  return { isServer: true, extensions: { [PerMessageDeflate.extensionName]: deflate } };
}

const TOO_LONG = {
  class: "RangeError",
  code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
  message: "Max payload size exceeded",
};

/** Invalid streams, each with the end of the error code and of the error message. */
const WRONG: [name: string, options: ReceiverOptions, stream: Uint8Array, code: string, message: string][] = [
  ["RSV1", {}, unmasked(text("x", { rsv: 4 })), "UNEXPECTED_RSV_1", "RSV1 must be clear"],
  ["RSV2", {}, unmasked(text("x", { rsv: 2 })), "UNEXPECTED_RSV_2_3", "RSV2 and RSV3 must be clear"],
  ["a reserved opcode", {}, unmasked({ opcode: 7 }), "INVALID_OPCODE", "invalid opcode 7"],
  ["a continuation without a message", {}, unmasked({ opcode: 0 }), "INVALID_OPCODE", "invalid opcode 0"],
  [
    "a message inside a message",
    {},
    unmasked(text("x", { fin: false }), { opcode: 2 }),
    "INVALID_OPCODE",
    "invalid opcode 2",
  ],
  ["a Ping in fragments", {}, unmasked({ opcode: 9, fin: false }), "EXPECTED_FIN", "FIN must be set"],
  [
    "a Ping of 126 bytes",
    {},
    unmasked({ opcode: 9, payload: new Uint8Array(126) }),
    "INVALID_CONTROL_PAYLOAD_LENGTH",
    "invalid payload length 126",
  ],
  [
    "a Close of one byte",
    {},
    unmasked({ opcode: 8, payload: bytes(3) }),
    "INVALID_CONTROL_PAYLOAD_LENGTH",
    "invalid payload length 1",
  ],
  ["no mask", { isServer: true }, unmasked(text("x")), "EXPECTED_MASK", "MASK must be set"],
  ["a mask", {}, masked(text("x")), "UNEXPECTED_MASK", "MASK must be clear"],
  [
    "a Close with 1005",
    {},
    unmasked({ opcode: 8, payload: bytes(3, 237) }),
    "INVALID_CLOSE_CODE",
    "invalid status code 1005",
  ],
  [
    "a masked Close with 1006",
    { isServer: true },
    masked({ opcode: 8, payload: bytes(3, 238) }),
    "INVALID_CLOSE_CODE",
    "invalid status code 1006",
  ],
  [
    "a reason that is not UTF-8",
    {},
    unmasked({ opcode: 8, payload: bytes(3, 232, 0xff) }),
    "INVALID_UTF8",
    "invalid UTF-8 sequence",
  ],
  [
    "text that is not UTF-8",
    {},
    unmasked({ opcode: 1, payload: bytes(0x61, 0xed, 0xa0, 0x80) }),
    "INVALID_UTF8",
    "invalid UTF-8 sequence",
  ],
  [
    "more than 2^53 - 1 bytes",
    {},
    unmasked({ opcode: 2, claimedLength: 2n ** 53n }),
    "UNSUPPORTED_DATA_PAYLOAD_LENGTH",
    "Unsupported WebSocket frame: payload length > 2^53 - 1",
  ],
  [
    "more than maxPayload, when the header has arrived",
    { maxPayload: 20 },
    unmasked({ opcode: 2, claimedLength: 126n }),
    "UNSUPPORTED_MESSAGE_LENGTH",
    "Max payload size exceeded",
  ],
  [
    "fragments of more than maxPayload together",
    { maxPayload: 20 },
    unmasked({ opcode: 2, fin: false, payload: new Uint8Array(15) }, { opcode: 0, claimedLength: 6n }),
    "UNSUPPORTED_MESSAGE_LENGTH",
    "Max payload size exceeded",
  ],
  [
    "too many fragments",
    { maxFragments: 2 },
    unmasked(text("", { fin: false }), { opcode: 0, fin: false }, { opcode: 0 }),
    "TOO_MANY_BUFFERED_PARTS",
    "Too many message fragments",
  ],
];

describe.each(both)("%s: Receiver", (_, parts) => {
  test("emits whole messages as Buffers, in order", async () => {
    const stream = masked(
      text("Hello"),
      text(""),
      { opcode: 2, payload: bytes(1, 2, 3) },
      text("Hel", { fin: false }),
      { opcode: 9, payload: bytes(9) },
      { opcode: 0, fin: false },
      text("lo", { opcode: 0 }),
      { opcode: 10 },
      text(LONG),
      { opcode: 8, payload: concat([bytes(3, 232), Buffer.from("bye")]) },
    );
    const expected = [
      ["message", Buffer.from("Hello"), false],
      ["message", Buffer.alloc(0), false],
      ["message", Buffer.from([1, 2, 3]), true],
      ["ping", Buffer.from([9])],
      ["message", Buffer.from("Hello"), false],
      ["pong", Buffer.alloc(0)],
      ["message", Buffer.from(LONG), false],
      ["conclude", 1000, Buffer.from("bye")],
    ];
    for (const size of [stream.length, 997, 70_000]) {
      expect(plain(await receive(parts, { isServer: true }, stream, size))).toEqual(plain(expected));
    }
    expect(await receive(parts, { isServer: true }, stream.subarray(0, 70), 1)).toEqual(expected.slice(0, 6));
  });

  test("emits 1005 for a Close without a code, and nothing after it", async () => {
    const events = await receive(parts, {}, unmasked({ opcode: 8 }, text("more"), { opcode: 3 }));
    expect(events).toEqual([["conclude", 1005, Buffer.alloc(0)]]);
    const receiver = new parts.Receiver();
    receiver.write(Buffer.from(unmasked({ opcode: 8 })));
    expect(receiver.writableEnded).toBe(true);
  });

  test("supports all values of binaryType", async () => {
    const stream = unmasked(
      { opcode: 2, payload: bytes(1, 2), fin: false },
      { opcode: 0, fin: false },
      { opcode: 0, payload: bytes(3) },
      text("x"),
    );
    const [fragments, string] = await receive(parts, { binaryType: "fragments" }, stream);
    expect(fragments).toEqual(["message", [Buffer.from([1, 2]), Buffer.from([3])], true]);
    expect(string).toEqual(["message", Buffer.from("x"), false]);
    const [buffer] = await receive(parts, { binaryType: "arraybuffer" }, stream);
    expect(buffer).toEqual(["message", bytes(1, 2, 3).buffer, true]);
    expect(buffer![1]).toBeInstanceOf(ArrayBuffer);
    const [[, blob]] = (await receive(parts, { binaryType: "blob" }, stream)) as [unknown[]];
    if (!(blob instanceof Blob)) throw new TypeError("not a Blob");
    expect(new Uint8Array(await blob.arrayBuffer())).toEqual(bytes(1, 2, 3));
  });

  test("allowSynchronousEvents: emits all events in one turn, or one per turn", async () => {
    const stream = Buffer.from(unmasked(text("1"), { opcode: 9 }, { opcode: 2 }, { opcode: 10 }, text("2")));
    const [atOnce, apart] = [new parts.Receiver(), new parts.Receiver({ allowSynchronousEvents: false })];
    const { events } = record(atOnce);
    atOnce.write(Buffer.from(stream));
    expect(events).toHaveLength(5);
    const later = record(apart);
    apart.write(Buffer.from(stream));
    for (let turns = 0; turns <= 5; turns++) {
      expect(later.events).toHaveLength(turns);
      await turn();
    }
    expect(later.events).toEqual(events);
  });

  test("emits the valid messages before an error", async () => {
    for (const allowSynchronousEvents of [true, false]) {
      const stream = unmasked(text("1"), text("2"), { opcode: 11 });
      const events = await receive(parts, { allowSynchronousEvents }, stream);
      expect(events.map(([name]) => name)).toEqual(["message", "message", "error"]);
    }
  });

  test.each(WRONG)("error: %s", async (_name, options, stream, code, text) => {
    const message = /^(?:Max|Too|Uns)/.test(text) ? text : `Invalid WebSocket frame: ${text}`;
    const error = { class: code === "INVALID_UTF8" ? "Error" : "RangeError", code: `WS_ERR_${code}`, message };
    for (const size of [stream.length, 1]) {
      expect(await receive(parts, options, stream, size)).toEqual([["error", error]]);
    }
  });

  test("applies limits to each message, and accepts one of exactly the limit", async () => {
    const stream = unmasked(
      { opcode: 2, payload: new Uint8Array(10), fin: false },
      { opcode: 9, payload: new Uint8Array(100) },
      { opcode: 0, payload: new Uint8Array(10) },
      text("a".repeat(20)),
    );
    const events = await receive(parts, { maxPayload: 20, maxFragments: 2 }, stream, 7);
    expect(events.map(([name]) => name)).toEqual(["ping", "message", "message"]);
  });

  test("fails after maxBufferedChunks chunks", async () => {
    const error = {
      class: "RangeError",
      code: "WS_ERR_TOO_MANY_BUFFERED_PARTS",
      message: "Too many buffered chunks",
    };
    const frame = unmasked(text("abcd"));
    expect(await receive(parts, { maxBufferedChunks: 4 }, concat([frame, frame, frame]), 1)).toHaveLength(3);
    expect(await receive(parts, { maxBufferedChunks: 2 }, unmasked(text("abcdef")), 1)).toEqual([["error", error]]);
  });

  test("skipUTF8Validation applies to text and to close reasons", async () => {
    const stream = unmasked({ opcode: 1, payload: bytes(0xff) }, { opcode: 8, payload: bytes(3, 232, 0xff) });
    expect(await receive(parts, { skipUTF8Validation: true }, stream)).toEqual([
      ["message", Buffer.from([0xff]), false],
      ["conclude", 1000, Buffer.from([0xff])],
    ]);
    for (const payload of [bytes(3), bytes(3, 237)]) {
      const [event] = await receive(parts, { skipUTF8Validation: true }, unmasked({ opcode: 8, payload }));
      expect(event![0]).toBe("error");
    }
  });

  test("inflates messages, whole and in fragments, between uncompressed ones", async () => {
    const [first, second, third] = await compressed(parts, "Hello Hello Hello", LONG, "Hello Hello Hello");
    const stream = masked(
      { opcode: 1, rsv: 4, payload: first! },
      text("not compressed"),
      { opcode: 2, rsv: 4, payload: second!.subarray(0, 20), fin: false },
      { opcode: 9 },
      { opcode: 0, payload: second!.subarray(20) },
      { opcode: 1, rsv: 4, payload: third! },
      { opcode: 8 },
    );
    for (const size of [stream.length, 11]) {
      for (const allowSynchronousEvents of [true, false]) {
        const events = await receive(parts, { ...agreed(parts), allowSynchronousEvents }, stream, size);
        const expected = [
          ["message", Buffer.from("Hello Hello Hello"), false],
          ["message", Buffer.from("not compressed"), false],
          ["ping", Buffer.alloc(0)],
          ["message", Buffer.from(LONG), true],
          ["message", Buffer.from("Hello Hello Hello"), false],
          ["conclude", 1005, Buffer.alloc(0)],
        ];
        expect(plain(events)).toEqual(plain(expected));
      }
    }
  });

  test("fails for invalid compressed messages", async () => {
    const [long] = await compressed(parts, "a".repeat(2000));
    const stream = masked({ opcode: 1, rsv: 4, payload: long! });
    expect(await receive(parts, agreed(parts, { maxPayload: 1999 }), stream)).toEqual([["error", TOO_LONG]]);
    expect(await receive(parts, { ...agreed(parts), maxPayload: 1999 }, stream)).toEqual([["error", TOO_LONG]]);
    const corrupt = masked({ opcode: 1, rsv: 4, payload: new Uint8Array(10) });
    const [event] = await receive(parts, agreed(parts), corrupt);
    expect(event).toMatchObject(["error", { class: "Error", code: "Z_DATA_ERROR" }]);
    // A stored block with a byte that is not UTF-8, and the first byte of the empty block after it.
    const notText = masked({ opcode: 1, rsv: 4, payload: bytes(0, 1, 0, 0xfe, 0xff, 0xff, 0) });
    const [invalid] = await receive(parts, agreed(parts), notText);
    expect(invalid).toMatchObject(["error", { class: "Error", code: "WS_ERR_INVALID_UTF8" }]);
    const continued = masked({ opcode: 1, rsv: 4, payload: long!, fin: false }, { opcode: 0, rsv: 4 });
    const events = await receive(parts, agreed(parts), continued);
    expect(events).toMatchObject([["error", { code: "WS_ERR_UNEXPECTED_RSV_1" }]]);
  });

  test("write() throws the exception of a listener", () => {
    const receiver = new parts.Receiver();
    receiver.on("message", () => {
      throw new Error("a listener's");
    });
    expect(() => receiver.write(Buffer.from(unmasked(text("x"))))).toThrow("a listener's");
  });
});
