// The internal methods that adapters use: the shared read window, text as bytes, and checks before a write.

import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import {
  type Extension,
  Keepalive,
  type MessageSink,
  perMessageDeflate,
  Protocol,
  type ProtocolOptions,
  WebSocketError,
} from "../../src/index.ts";
import { binary, close, continuation, CORES, ping, ROLES, text, toRole, utf8, writtenShort } from "../support/wire.ts";

/** An extension that owns RSV2, inverts each byte, and counts calls of release(). */
function turning(): { extension: Extension; released(): number } {
  let released = 0;
  const turn = (payload: Uint8Array): Uint8Array => payload.map((byte) => byte ^ 0xff);
  const extension: Extension = {
    name: "turn",
    rsv: 2,
    offer: () => [[]],
    accept: () => [],
    confirm: () => true,
    open: () => ({
      encode: ({ payload }) => turn(payload),
      decode: ({ payload }) => turn(payload),
      release: () => void released++,
    }),
  };
  return { extension, released: () => released };
}

function noting(): { seen: string[]; sink: MessageSink } {
  const seen: string[] = [];
  const show = (data: Uint8Array): string => Buffer.from(data).toString("latin1");
  const sink: MessageSink = {
    text: (data) => void seen.push(`text ${data}`),
    textBytes(data) {
      expect(data.byteLength).toBe(data.buffer.byteLength);
      seen.push(`bytes ${Buffer.from(data).toString()}`);
    },
    binary: (data) => void seen.push(`binary ${show(data)}`),
    ping: (data) => void seen.push(`ping ${show(data)}`),
    pong: (data) => void seen.push(`pong ${show(data)}`),
    error: ({ code }) => void seen.push(`error ${code}`),
    close: (code) => void seen.push(`close ${code}`),
  };
  return { seen, sink };
}

describe.each(ROLES)("role %s", (role) => {
  const make = (options: Partial<ProtocolOptions> = {}): Protocol => new Protocol({ role, ...options });

  test.each(CORES)("delivers the bytes of a shared window like push(), %s core", (core) => {
    const window = Protocol.readWindow(
      core,
      (bytes) => (start, end) => Buffer.from(bytes.slice(start, end)).toString(),
    );
    const stream = toRole(role, text("one"), ping("?"), binary(utf8("two")), text("größer"));
    const push = (protocol: Protocol, bytes: Uint8Array, sink: MessageSink): void => {
      window.bytes.set(bytes);
      protocol.pushFrom(window, bytes.length, sink);
    };
    for (let cut = 0; cut <= stream.length; cut++) {
      const protocol = make({ core });
      const { seen, sink } = noting();
      push(protocol, stream.slice(0, cut), sink);
      push(protocol, stream.slice(cut), sink);
      expect(seen).toEqual(["text one", "ping ?", "binary two", "text größer"]);
      push(protocol, toRole(role, { opcode: 3 }), sink);
      push(protocol, stream, sink);
      expect(seen.slice(4)).toEqual(["error WS_ERR_INVALID_OPCODE", "close 1006"]);
      expect(protocol.bytesReceived).toBe(stream.length);
    }
    const thrown = new Error("from the sink");
    const { sink } = noting();
    const fails = (): never => {
      throw thrown;
    };
    expect(() => push(make({ core }), stream, { ...sink, text: fails })).toThrow(thrown);
  });

  test("delivers text as bytes, however it arrives", () => {
    const parts = [
      text("whole"),
      text(""),
      text("in ", { fin: false }),
      continuation(utf8("two")),
      text("größ", { fin: false }),
      continuation(utf8("e")),
      text("", { fin: false }),
      continuation(utf8("")),
    ];
    const stream = toRole(role, ...parts);
    for (const size of [1, 7, stream.length]) {
      const protocol = make({ textBytes: true });
      const { seen, sink } = noting();
      for (let at = 0; at < stream.length; at += size) protocol.push(stream.slice(at, at + size), sink);
      expect(seen).toEqual(["bytes whole", "bytes ", "bytes in two", "bytes größe", "bytes "]);
    }
    for (const [extension, rsv, encode] of [
      [perMessageDeflate(), 4, (bytes: Uint8Array) => new Uint8Array(deflateRawSync(bytes))],
      [turning().extension, 2, (bytes: Uint8Array) => bytes.map((byte) => byte ^ 0xff)],
    ] as const) {
      const options = { textBytes: true, extensions: [extension] };
      const { seen, sink } = noting();
      make(options).push(toRole(role, text("", { payload: encode(utf8("größe")), rsv })), sink);
      const wrong = text("", { payload: encode(Uint8Array.of(0x61, 0xff)), rsv });
      make(options).push(toRole(role, wrong), sink);
      make({ ...options, allowInvalidUtf8: true }).push(toRole(role, wrong), sink);
      expect(seen).toEqual(["bytes größe", "error WS_ERR_INVALID_UTF8", "close 1006", "bytes a\ufffd"]);
    }
  });

  test("is idle while nothing is queued and messages are sent unchanged", () => {
    const protocol = make();
    expect(protocol.isIdle).toBe(true);
    protocol.send("waits");
    expect(protocol.isIdle).toBe(false);
    protocol.take();
    expect(protocol.isIdle).toBe(true);
    protocol.send("a part", { fin: false });
    protocol.take();
    expect(protocol.isIdle).toBe(false);
    protocol.send("the rest");
    protocol.take();
    expect(protocol.isIdle).toBe(true);
    protocol.close(1000);
    protocol.take();
    expect(protocol.isIdle).toBe(false);
    expect(make({ fragmentSize: 100 }).isIdle).toBe(false);
    expect(make({ extensions: [turning().extension] }).isIdle).toBe(false);
  });

  test("takeInto() with holdClose adds no Close", () => {
    const protocol = make();
    protocol.receive(toRole(role, close(1001)));
    const target = new Uint8Array(100);
    expect([protocol.takeInto(target, { holdClose: true }), protocol.state]).toEqual([0, "closing"]);
    expect(protocol.takeInto(target, {})).toBeGreaterThan(0);
    expect([protocol.state, protocol.takeInto(target)]).toEqual(["closed", 0]);
  });

  test("release() frees memory between messages, not within one", () => {
    const { extension, released } = turning();
    const protocol = make({ extensions: [extension] });
    protocol.send("a part", { fin: false });
    protocol.release();
    expect(released()).toBe(0);
    protocol.send("the rest");
    protocol.release();
    expect(released()).toBe(1);
  });

  test("refuses a sink without start, piece or end if fragments is on", () => {
    const { sink } = noting();
    const calls = { start() {}, piece() {}, end() {} };
    const stream = toRole(role, text("text"));
    for (const name of ["start", "piece", "end"]) {
      const without = Object.fromEntries(Object.entries(calls).filter(([each]) => each !== name));
      expect(() => make({ fragments: true }).push(stream, { ...sink, ...without })).toThrow(
        new TypeError("With `fragments: true`, the sink needs the methods start(), piece() and end()"),
      );
    }
    expect(() => make({ fragments: true }).push(stream, { ...sink, ...calls })).not.toThrow();
  });

  test("fail() after our Close sends no other Close", () => {
    const protocol = make();
    protocol.close(1000);
    const error = new WebSocketError("WS_ERR_INTERNAL", "It has failed", { closeCode: 1011, byteOffset: 0, rule: "" });
    expect(protocol.fail(error).map(({ type }) => type)).toEqual(["error", "close"]);
    expect([protocol.state, protocol.error]).toEqual(["closed", error]);
    expect(writtenShort(protocol, role)).toEqual(["close:1000:"]);
    expect(protocol.fail(error)).toEqual([]);
  });

  test("Keepalive.awaitsPong is true after a Ping, until something arrives", () => {
    const protocol = make();
    const keepalive = new Keepalive(protocol, 0, { pingInterval: 100 });
    expect(keepalive.awaitsPong).toBe(false);
    keepalive.tick(100);
    expect(keepalive.awaitsPong).toBe(true);
    protocol.receive(toRole(role, text("alive")));
    keepalive.tick(110);
    expect(keepalive.awaitsPong).toBe(false);
  });
});
