// How Protocol handles several extensions, commit(), failures and messages in pieces.

import { deflateRawSync } from "node:zlib";
import { expect, test } from "vitest";
import {
  type Extension,
  FrameDecoder,
  type MessageSink,
  perMessageDeflate,
  PreparedMessage,
  Protocol,
  WebSocketError,
} from "../../src/index.ts";
import { concat } from "../reference/serialize.ts";
import { continuation, ROLES, text, toRole, utf8 } from "../support/wire.ts";

function extension(rsv: number, releaseAfter: number | undefined, wanted?: (length: number) => boolean): Extension {
  return {
    name: `extension-${rsv}`,
    rsv,
    offer: () => [[]],
    accept: () => [],
    confirm: () => true,
    open: () => ({
      encode: ({ payload }) => payload,
      decode: ({ payload }) => payload,
      releaseAfter,
      ...(wanted && { wants: (length, compress) => compress ?? wanted(length) }),
    }),
  };
}

test("releaseAfter is the least of all extensions", () => {
  const after = (...times: (number | undefined)[]): number =>
    new Protocol({ role: "server", extensions: times.map((time, i) => extension(1 << i, time)) }).releaseAfter;
  expect([after(), after(undefined), after(500), after(500, undefined, 200)]).toEqual([Infinity, Infinity, 500, 200]);
});

test("compresses() is true if an extension wants the message or cannot tell", () => {
  const long = (length: number): boolean => length > 100;
  const make = (...extensions: Extension[]): Protocol => new Protocol({ role: "server", extensions });
  const some = make(
    extension(4, undefined, long),
    extension(2, undefined, () => false),
  );
  expect([99, 101].map((length) => some.compresses(length, undefined))).toEqual([false, true]);
  expect([true, false].map((compress) => some.compresses(5, compress))).toEqual([true, false]);
  expect(make().compresses(1000, true)).toBe(false);
  expect(make(extension(4, undefined)).compresses(5, undefined)).toBe(true);
});

test.each(ROLES)("reports an error in a reserved buffer as an event, role %s", (role) => {
  const seen: string[] = [];
  const sink: MessageSink = {
    text: (data) => void seen.push(data),
    binary() {},
    ping() {},
    pong() {},
    error: ({ code }) => void seen.push(code),
    close: (code) => void seen.push(String(code)),
  };
  const protocol = new Protocol({ role });
  const bytes = toRole(role, text("one"), { opcode: 3 });
  protocol.reserve().set(bytes);
  protocol.commit(bytes.length, sink);
  // Bytes that are read after the end are ignored.
  protocol.reserve().set(bytes);
  protocol.commit(bytes.length, sink);
  expect(seen).toEqual(["one", "WS_ERR_INVALID_OPCODE", "1006"]);
  const thrown = new Error("from the sink");
  const other = new Protocol({ role });
  other.reserve().set(bytes);
  const fails = (): never => {
    throw thrown;
  };
  expect(() => other.commit(bytes.length, { ...sink, text: fails })).toThrow(thrown);
});

test.each(ROLES)("the first failure stays the error, whatever follows in the same chunk, role %s", (role) => {
  const details = { closeCode: 1008, byteOffset: 0, rule: "ours" };
  const error = new WebSocketError("WS_ERR_INTERNAL", "A reason of our own", details);
  const protocol = new Protocol({ role, limits: { maxMessage: 10 } });
  const sink: MessageSink = {
    text: () => void protocol.fail(error),
    binary() {},
    ping() {},
    pong() {},
    error() {},
    close() {},
  };
  protocol.push(
    toRole(role, text("one"), text("x".repeat(6), { fin: false }), continuation(utf8("y".repeat(6)))),
    sink,
  );
  expect(protocol.error).toBe(error);
});

test("joins a surrogate pair that is cut between two pieces, but not in binary messages", () => {
  const protocol = new Protocol({ role: "server" });
  protocol.send(Uint8Array.of(0xff), { fin: false });
  protocol.send(Uint8Array.of(0xfe), { fin: true });
  protocol.send("a\ud800", { fin: false });
  protocol.send("\udc00b");
  const frames = new FrameDecoder({ role: "client" }).decode(concat(protocol.take()));
  expect(Buffer.concat(frames.map(({ payload }) => payload)).toString("latin1")).toBe("\xff\xfea\xf0\x90\x80\x80b");
});

test("bufferedAmount includes the Close that reports an error", () => {
  const details = { closeCode: 1008, byteOffset: 0, rule: "ours" };
  for (const message of ["short", "x".repeat(123), "漢".repeat(40)]) {
    const protocol = new Protocol({ role: "client" });
    protocol.fail(new WebSocketError("WS_ERR_INTERNAL", message, details));
    const bound = protocol.bufferedAmount;
    expect(concat(protocol.take()).length).toBeLessThanOrEqual(bound);
  }
});

test("the end of the stream waits for the end of a pause, even if nothing else is kept", () => {
  const protocol = new Protocol({ role: "server" });
  const closes: number[] = [];
  const sink: MessageSink = {
    text() {},
    binary() {},
    ping() {},
    pong() {},
    error() {},
    close: (code) => void closes.push(code),
  };
  protocol.pause();
  protocol.pushEnd(sink);
  expect([closes, protocol.heldBytes]).toEqual([[], 0]);
  protocol.resume(sink);
  expect(closes).toEqual([1006]);
});

test.each(["push", "pushFrom", "commit"] as const)("delivers nothing through %s() after fail()", (way) => {
  const protocol = new Protocol({ role: "server" });
  const details = { closeCode: 1008, byteOffset: 0, rule: "ours" };
  protocol.fail(new WebSocketError("WS_ERR_INTERNAL", "Enough", details));
  const never = (): never => expect.unreachable();
  const sink: MessageSink = { text: never, binary: never, ping: never, pong: never, error: never, close: never };
  const bytes = toRole("server", text("late"));
  if (way === "push") protocol.push(bytes, sink);
  if (way === "pushFrom") {
    const window = Protocol.readWindow(undefined, () => never);
    window.bytes.set(bytes);
    protocol.pushFrom(window, bytes.length, sink);
  }
  if (way === "commit") {
    protocol.reserve().set(bytes);
    protocol.commit(bytes.length, sink);
  }
  expect(protocol.bytesReceived).toBe(0);
});

test("throws a RangeError for a sliceSize that is not a number above 0", () => {
  for (const sliceSize of [0, -1, Number.NaN, "5" as never]) {
    expect(() => new Protocol({ role: "server", sliceSize })).toThrow(RangeError);
  }
});

test("ends an extension once, with its connection", () => {
  let ended = 0;
  const counting: Extension = {
    ...extension(4, undefined),
    open: () => ({ encode: ({ payload }) => payload, decode: ({ payload }) => payload, end: () => void ended++ }),
  };
  const protocol = new Protocol({ role: "server", extensions: [counting] });
  protocol.close(1000);
  protocol.take();
  expect([protocol.state, ended]).toEqual(["closing", 0]);
  protocol.receive(toRole("server", { opcode: 8 }));
  expect([protocol.state, ended]).toEqual(["closed", 1]);
});

test("sends a PreparedMessage in fragments, and through extensions that do not know it", () => {
  const message = new PreparedMessage("prepared");
  const framesOf = (protocol: Protocol): string[] =>
    new FrameDecoder({ role: "client", rsv: 6 })
      .decode(concat(protocol.take()))
      .map(({ opcode, rsv, fin, payload }) => `${opcode} ${rsv} ${fin} ${Buffer.from(payload).toString()}`);
  const fragments = ["1 0 false prep", "0 0 true ared"];
  const plain = new Protocol({ role: "server", fragmentSize: 4 });
  plain.send(message);
  expect(framesOf(plain)).toEqual(fragments);
  plain.send("prepared");
  expect(framesOf(plain)).toEqual(fragments);
  plain.send("prepared", { fragmentSize: 8 });
  expect(framesOf(plain)).toEqual(["1 0 true prepared"]);
  const extended = new Protocol({ role: "server", extensions: [extension(4, undefined)] });
  extended.send(message);
  expect(framesOf(extended)).toEqual(["1 4 true prepared"]);
  // The message is too short for compression, but the other extension still applies.
  const both = new Protocol({ role: "server", extensions: [perMessageDeflate(), extension(2, undefined)] });
  both.send(message);
  expect(framesOf(both)).toEqual(["1 2 true prepared"]);
});

test("resets the count of inflated bytes with each call", () => {
  const make = () => new Protocol({ role: "client", extensions: [perMessageDeflate()], sliceSize: 5000 });
  const compressed = (length: number): Uint8Array => {
    const payload = new Uint8Array(deflateRawSync(Buffer.alloc(length, "a")));
    return toRole("client", text("", { payload, rsv: 4 }));
  };
  const small = make();
  expect(small.unfinished).toBe(false);
  for (let i = 0; i < 20; i++) {
    expect(small.receive(compressed(1000))).toHaveLength(1);
    expect(small.unfinished).toBe(false);
  }
  const large = make();
  large.receive(compressed(300_000));
  expect(large.unfinished).toBe(true);
});
