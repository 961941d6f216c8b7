// Received bytes become events: messages, fragments, and control frames in between. In both roles and on both cores.

import { describe, expect, test } from "vitest";
import { type MessageSink, perMessageDeflate, Protocol, type ProtocolEvent, WebSocketError } from "../../src/index.ts";
import {
  binary,
  close,
  continuation,
  CORES,
  ping,
  pong,
  receiveInPieces,
  ROLES,
  short,
  text,
  toRole,
  utf8,
  writtenShort,
} from "../support/wire.ts";

for (const role of ROLES) {
  for (const core of CORES) {
    describe(`role ${role}, ${core} core`, () => {
      const make = (options = {}) => new Protocol({ role, core, ...options });
      const session = toRole(
        role,
        text("Hello"),
        text(""),
        binary(Uint8Array.of(0, 255, 128)),
        binary(new Uint8Array(0)),
        ping("are you there"),
        text("Zwölf Boxkämpfer 🙂", { fin: false }),
        ping("between"),
        continuation(utf8(" jagen"), { fin: false }),
        continuation(new Uint8Array(0), { fin: false }),
        pong("nobody asked"),
        continuation(utf8(" Viktor")),
        binary(new Uint8Array(300).fill(7), { fin: false }),
        continuation(new Uint8Array(70_000).fill(8)),
        text("x".repeat(200)),
        text("the last"),
        close(1001, "bye"),
      );
      const expected = [
        "text:Hello",
        "text:",
        "binary:\u0000ÿ\u0080",
        "binary:",
        "ping:are you there",
        "ping:between",
        "pong:nobody asked",
        "text:Zwölf Boxkämpfer 🙂 jagen Viktor",
        `binary:${"\x07".repeat(300)}${"\x08".repeat(70_000)}`,
        `text:${"x".repeat(200)}`,
        "text:the last",
        "close:1001:bye",
      ];

      for (const size of [1, 2, 3, 7, 64, 1000, 65_536, session.length]) {
        test(`messages and control frames, in chunks of ${size}`, () => {
          const protocol = make();
          expect(short(receiveInPieces(protocol, session, size))).toEqual(expected);
          expect(protocol.state).toBe("closing");
          expect(writtenShort(protocol, role)).toEqual(["pong:are you there", "pong:between", "close:1001:"]);
          expect(protocol.state).toBe("closed");
          expect(protocol.bytesReceived).toBe(session.length);
          expect(protocol.receiveEnd()).toEqual([]);
        });
      }

      test("delivers the same events to a sink", () => {
        const events: ProtocolEvent[] = [];
        const sink: MessageSink = {
          text: (data) => events.push({ type: "text", data }),
          binary: (data) => events.push({ type: "binary", data }),
          ping: (data) => events.push({ type: "ping", data }),
          pong: (data) => events.push({ type: "pong", data }),
          error: (error) => events.push({ type: "error", error }),
          close: (code, reason, wasClean) => events.push({ type: "close", code, reason, wasClean }),
        };
        make().push(session, sink);
        expect(short(events)).toEqual(expected);

        events.length = 0;
        const reading = make();
        for (let at = 0; at < session.length; at += 5000) {
          const part = session.subarray(at, at + 5000);
          reading.reserve().set(part);
          reading.commit(part.length, sink);
        }
        expect(short(events)).toEqual(expected);
      });

      for (const size of [1, 5, 1000, session.length]) {
        test(`delivers each message as start, pieces and end with fragments, in chunks of ${size}`, () => {
          const protocol = make({ fragments: true });
          const events = receiveInPieces(protocol, session, size);
          const whole: string[] = [];
          let pieces: string[] | undefined;
          for (const event of events) {
            if (event.type === "start") {
              expect(pieces).toBeUndefined();
              pieces = [event.kind];
            } else if (event.type === "piece") {
              expect(event.data.length).toBeGreaterThan(0);
              pieces!.push(typeof event.data === "string" ? event.data : Buffer.from(event.data).toString("latin1"));
            } else if (event.type === "end") {
              whole.push(`${pieces![0]}:${pieces!.slice(1).join("")}`);
              pieces = undefined;
            } else {
              whole.push(...short([event]));
            }
          }
          expect(whole).toEqual(expected);
        });
      }

      test("delivers a piece before its message and its frame end", () => {
        const protocol = make({ fragments: true });
        const bytes = toRole(role, text("abcdef", { fin: false }), continuation(utf8("ghi")));
        const head = role === "server" ? 6 : 2;
        expect(short(protocol.receive(bytes.slice(0, head + 2)))).toEqual(["start:text", "piece:ab"]);
        expect(short(protocol.receive(bytes.slice(head + 2, head + 6)))).toEqual(["piece:cdef"]);
        expect(short(protocol.receive(bytes.slice(head + 6)))).toEqual(["piece:ghi", "end"]);
      });

      test("cuts pieces of text between characters", () => {
        const protocol = make({ fragments: true });
        const bytes = toRole(role, text("a🙂b"));
        const events = receiveInPieces(protocol, bytes, 1);
        expect(short(events)).toEqual(["start:text", "piece:a", "piece:🙂", "piece:b", "end"]);
      });

      test("delivers a BOM as content", () => {
        const bom = "\ufeff";
        const bytes = toRole(role, text(`${bom}whole`), text(bom, { fin: false }), continuation(utf8("in fragments")));
        expect(short(make().receive(bytes))).toEqual([`text:${bom}whole`, `text:${bom}in fragments`]);
        expect(short(make({ fragments: true }).receive(bytes)).filter((event) => event.startsWith("piece"))).toEqual([
          `piece:${bom}whole`,
          `piece:${bom}`,
          "piece:in fragments",
        ]);
      });

      test("fails at the first invalid byte of text, and keeps the pieces before it", () => {
        const good = toRole(role, text("before"));
        const head = role === "server" ? 6 : 2;
        const bad = toRole(role, {
          opcode: 1,
          fin: false,
          payload: Uint8Array.of(0xce, 0xba, 0xe1, 0xed, 0xa0, 0x41, 0x41),
        });
        const protocol = make();
        const events = receiveInPieces(protocol, new Uint8Array([...good, ...bad]), 1);
        const at = good.length + head + 3;
        expect(short(events)).toEqual(["text:before", `error:WS_ERR_INVALID_UTF8@${at}`, "close:1006: not clean"]);
        expect(protocol.bytesReceived).toBe(at);
        expect(writtenShort(protocol, role)[0]).toMatch(/^close:1007:/);
      });

      test("delivers nothing and throws nothing after an error", () => {
        const protocol = make();
        const events = protocol.receive(toRole(role, text("one"), { opcode: 3 }, text("two")));
        expect(short(events).map((event) => event.split("@")[0])).toEqual([
          "text:one",
          "error:WS_ERR_INVALID_OPCODE",
          "close:1006: not clean",
        ]);
        expect(protocol.error).toMatchObject({ code: "WS_ERR_INVALID_OPCODE", closeCode: 1002, rule: "RFC 6455 §5.2" });
        expect(protocol.receive(toRole(role, text("three")))).toEqual([]);
        expect(protocol.receiveEnd()).toEqual([]);
      });

      test("leaves Pings to the caller with autoPong off", () => {
        const protocol = make({ autoPong: false });
        expect(short(protocol.receive(toRole(role, ping("x"))))).toEqual(["ping:x"]);
        expect(protocol.take()).toEqual([]);
        protocol.pong("x");
        expect(writtenShort(protocol, role)).toEqual(["pong:x"]);
      });

      test("each option relaxes its check", () => {
        const utf8Loose = make({ allowInvalidUtf8: true });
        const invalid = Uint8Array.of(0x61, 0xff, 0x62);
        expect(short(utf8Loose.receive(toRole(role, { opcode: 1, payload: invalid })))).toEqual(["text:a\ufffdb"]);
        const closeLoose = make({ allowInvalidClose: true });
        expect(short(closeLoose.receive(toRole(role, { opcode: 8, payload: utf8("bye") })))).toEqual(["close:25209:e"]);
        expect(writtenShort(closeLoose, role)).toEqual(["close"]);
        const mask = role === "server" ? { allowUnmasked: true } : { allowMasked: true };
        const wrongWay = toRole(role === "server" ? "client" : "server", text("x"));
        expect(short(make(mask).receive(wrongWay))).toEqual(["text:x"]);
        expect(
          short(make({ allowNonMinimalLength: true }).receive(toRole(role, text("x", { lengthBytes: 9 })))),
        ).toEqual(["text:x"]);
      });
    });
  }
}

describe("sinks", () => {
  const nothing: MessageSink = { text() {}, binary() {}, ping() {}, pong() {}, error() {}, close() {} };

  test("a callback may send, close and use other connections", () => {
    const a = new Protocol({ role: "server" });
    const b = new Protocol({ role: "server" });
    const seen: string[] = [];
    const stream = toRole("server", text("one"), text("two"), binary(utf8("three")), text("four"));
    a.push(stream, {
      ...nothing,
      text(data) {
        seen.push(data);
        if (data === "one") seen.push(...short(b.receive(stream)));
        if (data !== "four") a.send(data.toUpperCase());
      },
      binary(data) {
        seen.push(`binary ${Buffer.from(data).toString()}`);
        a.close(1000);
      },
    });
    expect(seen).toEqual(["one", "text:one", "text:two", "binary:three", "text:four", "two", "binary three", "four"]);
    expect(writtenShort(a, "server")).toEqual(["text:ONE", "text:TWO", "close:1000:"]);
  });

  test("throws what a sink throws, and keeps the sink of the outer call", () => {
    const protocol = new Protocol({ role: "server" });
    const stop = new Error("stop");
    const sink: MessageSink = {
      ...nothing,
      text() {
        throw stop;
      },
    };
    expect(() => protocol.push(toRole("server", text("x")), sink)).toThrow(stop);
    expect(() => protocol.push(toRole("server", text("x")), nothing)).toThrow(TypeError);
    // The connection can still be closed.
    protocol.close(1011);
    expect(writtenShort(protocol, "server")).toEqual(["close:1011:"]);
  });

  test("refuses to receive from a callback of the same connection, without harm", () => {
    const protocol = new Protocol({ role: "server" });
    const seen: string[] = [];
    protocol.push(toRole("server", text("one"), text("two")), {
      ...nothing,
      text(data) {
        seen.push(data);
        expect(() => protocol.receive(toRole("server", text("inner")))).toThrow(TypeError);
      },
    });
    expect(seen).toEqual(["one", "two"]);
  });

  test("refuses a sink without start, piece and end if fragments is on", () => {
    const protocol = new Protocol({ role: "server", fragments: true });
    expect(() => protocol.push(toRole("server", text("x")), nothing)).toThrow(/start\(\), piece\(\) and end\(\)/);
    expect(short(protocol.receive(toRole("server", text("x"))))).toEqual(["start:text", "piece:x", "end"]);
  });

  test("delivers nothing after the end in a callback, even if the chunk has more", () => {
    const protocol = new Protocol({ role: "server" });
    const seen: string[] = [];
    protocol.push(toRole("server", text("one"), text("two"), close(1000)), {
      ...nothing,
      text(data) {
        seen.push(data);
        seen.push(...short(protocol.receiveEnd()));
      },
      close: () => seen.push("close"),
    });
    expect(seen).toEqual(["one", "close:1006: not clean"]);
    expect(protocol.take()).toEqual([]);
  });
});

describe("memory of messages", () => {
  test("the bytes of events belong to the receiver", () => {
    const protocol = new Protocol({ role: "client" });
    const chunk = toRole("client", binary(utf8("small")), ping("ping"), binary(new Uint8Array(5000).fill(1)));
    const before = Buffer.from(chunk);
    const events = protocol.receive(chunk);
    expect(before.equals(chunk)).toBe(true);
    chunk.fill(0);
    protocol.receive(toRole("client", binary(utf8("other"))));
    expect(short(events).slice(0, 2)).toEqual(["binary:small", "ping:ping"]);
    for (const event of events) {
      if (event.type !== "binary") continue;
      expect(event.data.buffer.byteLength).toBeLessThanOrEqual(event.data.length + 1024);
    }
  });

  test("a message in fragments holds at most 1 KiB more than itself", () => {
    for (const pieces of [[1], [1000, 1], [3, 70_000, 2], Array.from({ length: 3000 }, () => 1), [65_536, 65_537]]) {
      const protocol = new Protocol({ role: "client" });
      const frames = pieces.map((length, i) => ({
        opcode: i === 0 ? 2 : 0,
        fin: i === pieces.length - 1,
        payload: new Uint8Array(length).fill(i),
      }));
      for (const size of [100, 4000, 1 << 20]) {
        const [event] = receiveInPieces(protocol, toRole("client", ...frames), size);
        if (event?.type !== "binary") throw new Error("No message");
        expect(event.data).toEqual(new Uint8Array(Buffer.concat(frames.map(({ payload }) => payload))));
        expect(event.data.buffer.byteLength).toBeLessThanOrEqual(event.data.length + 1024);
      }
    }
  });

  test("uses buffers from allocate, which may be larger and need not be zeroed", () => {
    const asked: number[] = [];
    const allocate = (length: number) => {
      asked.push(length);
      return new Uint8Array(length + 10).fill(0xee);
    };
    const protocol = new Protocol({ role: "client", allocate });
    const payload = new Uint8Array(100_000).fill(5);
    const [event] = protocol.receive(toRole("client", binary(payload)));
    if (event?.type !== "binary") throw new Error("No message");
    expect(Buffer.compare(event.data, payload)).toBe(0);
    expect(new Uint8Array(event.data.buffer).includes(0xee), "unzeroed memory is not exposed").toBe(false);
    expect(asked.length).toBeGreaterThan(0);
    expect(Math.max(...asked)).toBeLessThanOrEqual(100_000);
  });
});

describe("options", () => {
  test("refuses unknown roles and invalid limits", () => {
    // @ts-expect-error an unknown role
    expect(() => new Protocol({ role: "proxy" })).toThrow(TypeError);
    expect(() => new Protocol({ role: "server", limits: { maxMessage: -1 } })).toThrow(/maxMessage/);
    expect(() => new Protocol({ role: "server", limits: { maxFragments: Number.NaN } })).toThrow(RangeError);
    expect(() => new Protocol({ role: "server", limits: { maxFragments: 0 } })).toThrow("must be a number, 1 or more");
    expect(() => new Protocol({ role: "server", fragmentSize: 0 })).toThrow(RangeError);
    expect(() => new Protocol({ role: "server", textSlack: -1 })).toThrow(RangeError);
  });

  test("does not mix connections with the same options", () => {
    const strict = { role: "server", limits: { maxMessage: 3 } } as const;
    const a = new Protocol(strict);
    const b = new Protocol({ role: "server" });
    const c = new Protocol(strict);
    const long = toRole("server", text("long"));
    for (const protocol of [a, c]) expect(short(protocol.receive(long))[0]).toMatch(/^error/);
    expect(short(b.receive(long))).toEqual(["text:long"]);
  });

  test("refuses chunks that are not bytes", () => {
    // @ts-expect-error a string is not bytes
    expect(() => new Protocol({ role: "server" }).receive("text")).toThrow(TypeError);
  });
});

describe("regressions", () => {
  const nothing: MessageSink = { text() {}, binary() {}, ping() {}, pong() {}, error() {}, close() {} };
  const broken = Uint8Array.of(0xf1, 0x80);

  test("can answer messages before a broken frame in the same chunk, before the Close", () => {
    const protocol = new Protocol({ role: "server", autoPong: false });
    const events = protocol.receive(Uint8Array.from([...toRole("server", text("question"), ping("?")), ...broken]));
    expect(short(events).map((event) => event.split("@")[0])).toEqual([
      "text:question",
      "ping:?",
      "error:WS_ERR_UNEXPECTED_RSV_2_3",
      "close:1006: not clean",
    ]);
    for (const event of events) {
      if (event.type === "text") expect(protocol.send(event.data)).toBe(true);
      if (event.type === "ping") expect(protocol.pong(event.data)).toBe(true);
    }
    const [answer, reply, end, ...more] = writtenShort(protocol, "server");
    expect([answer, reply, more]).toEqual(["text:question", "pong:?", []]);
    expect(end).toMatch(/^close:1002:/);
    expect(protocol.send("late")).toBe(false);
  });

  test("an empty payload has its own buffer, so transferring it is harmless", () => {
    for (const frame of [binary(new Uint8Array(0)), ping(), pong()]) {
      const [event] = new Protocol({ role: "server" }).receive(toRole("server", frame));
      if (event?.type !== "binary" && event?.type !== "ping" && event?.type !== "pong") throw new Error("No event");
      structuredClone(event.data, { transfer: [event.data.buffer as ArrayBuffer] });
      const other = new Protocol({ role: "server" });
      expect(short(other.receive(toRole("server", ping("x"), frame, binary(utf8("y")))))).toHaveLength(3);
      expect(writtenShort(other, "server")[0]).toBe("pong:x");
    }
  });

  test("delivers the close event even if the sink throws on the error", () => {
    const protocol = new Protocol({ role: "server" });
    const stop = new Error("stop");
    const seen: string[] = [];
    const sink: MessageSink = {
      ...nothing,
      error() {
        throw stop;
      },
      close: (code) => seen.push(`close ${code}`),
    };
    expect(() => protocol.push(broken, sink)).toThrow(stop);
    expect(seen).toEqual(["close 1006"]);
    expect(writtenShort(protocol, "server")).toHaveLength(1);
  });

  test("does not decode the rest of the chunk after the end in a callback", () => {
    const protocol = new Protocol({ role: "server", extensions: [perMessageDeflate()] });
    const error = new WebSocketError("WS_ERR_PONG_TIMEOUT", "mine", { closeCode: 1011, byteOffset: 0, rule: "mine" });
    const rest = [text("one"), text("bad", { rsv: 4 }), { opcode: 3 }];
    protocol.push(toRole("server", ...rest), { ...nothing, text: () => void protocol.fail(error) });
    expect(protocol.error).toBe(error);
    expect(protocol.bytesReceived).toBeLessThan(toRole("server", ...rest).length + 1);
  });

  test("reserve() and commit() still work after the end, and leave the shared memory to other connections", () => {
    const ends: ((protocol: Protocol) => void)[] = [
      (protocol) => void protocol.receiveEnd(),
      (protocol) => void protocol.receive(broken),
      (protocol) => void protocol.receive(toRole("server", close(1000))),
    ];
    const kept: Protocol[] = [];
    for (const end of ends) {
      for (const lent of [true, false]) {
        const protocol = new Protocol({ role: "server" });
        kept.push(protocol);
        if (lent) protocol.reserve();
        end(protocol);
        if (!lent) expect(protocol.reserve()).toHaveLength(65_536);
        protocol.commit(2, nothing);
        const other = new Protocol({ role: "server" });
        expect(other.reserve().buffer.byteLength).toBeGreaterThan(65_536);
        other.commit(0, nothing);
      }
    }
    expect(kept).toHaveLength(6);
  });
});
