// Messages become bytes: whole, in pieces, in fragments, prepared. In both roles and on both cores.

import { describe, expect, test } from "vitest";
import { perMessageDeflate, PreparedMessage, Protocol, type SendOptions, WebSocketError } from "../../src/index.ts";
import { CORES, other, ROLES, short, written, writtenShort } from "../support/wire.ts";
import { concat } from "../reference/serialize.ts";
import { Random } from "../support/random.ts";

for (const role of ROLES) {
  for (const core of CORES) {
    describe(`role ${role}, ${core} core`, () => {
      const make = (options = {}) => new Protocol({ role, core, ...options });
      const peer = (options = {}) => new Protocol({ role: other(role), core, ...options });

      test("sends text, bytes and prepared messages in order, small ones in one buffer", () => {
        const protocol = make();
        protocol.send("one");
        protocol.send(Uint8Array.of(1, 2));
        protocol.ping("?");
        protocol.send(new PreparedMessage("prepared"));
        protocol.send(new PreparedMessage(Uint8Array.of(3)));
        protocol.pong("!");
        protocol.send("");
        const parts = protocol.take();
        expect(parts).toHaveLength(1);
        expect(short(peer().receive(parts[0]!))).toEqual([
          "text:one",
          "binary:\x01\x02",
          "ping:?",
          "text:prepared",
          "binary:\x03",
          "pong:!",
          "text:",
        ]);
        expect(protocol.take()).toEqual([]);
        expect(protocol.bufferedAmount).toBe(0);
      });

      test("sendCopy() and sendTextCopy() accept only whole messages that are sent unchanged on an open connection", () => {
        const memory = { allocate: (length: number) => new Uint8Array(length) };
        const calls = [
          (protocol: Protocol) => protocol.sendCopy(Uint8Array.of(0x61), memory),
          (protocol: Protocol) => protocol.sendTextCopy(Uint8Array.of(0x62), memory),
        ];
        const protocol = make();
        expect(calls.map((call) => call(protocol))).toEqual([true, true]);
        expect(writtenShort(protocol, role)).toEqual(["binary:a", "text:b"]);
        protocol.send("begun", { fin: false });
        protocol.take();
        for (const other of [protocol, make({ fragmentSize: 10 }), make({ extensions: [perMessageDeflate()] })]) {
          expect(calls.map((call) => call(other))).toEqual([undefined, undefined]);
          expect(other.take()).toEqual([]);
        }
        const closing = make();
        closing.close(1000);
        closing.take();
        expect(calls.map((call) => call(closing))).toEqual([false, false]);
        expect(closing.take()).toEqual([]);
      });

      test("the options of send() apply to a text with compression", () => {
        const long = "long enough to be compressed ".repeat(100);
        const sent = (options?: SendOptions) => {
          const protocol = make({ extensions: [perMessageDeflate()] });
          protocol.send(long, options);
          return written(protocol, role).map(({ opcode, fin, rsv }) => [opcode, fin, rsv]);
        };
        expect(sent()).toEqual([[1, true, 4]]);
        expect(sent({ compress: false })).toEqual([[1, true, 0]]);
        expect(sent({ compress: false, binary: true })).toEqual([[2, true, 0]]);
        expect(sent({ compress: false, fin: false })).toEqual([[1, false, 0]]);
      });

      test("bufferedAmount is never less than the bytes of take()", () => {
        const random = new Random(7);
        const protocol = make();
        for (let i = 0; i < 300; i++) {
          if (random.chance(0.5)) protocol.send("é".repeat(random.integer(0, 6000)));
          else protocol.send(new Uint8Array(random.integer(0, 9000)));
          const { bufferedAmount } = protocol;
          if (random.chance(0.2)) expect(concat(protocol.take()).length).toBeLessThanOrEqual(bufferedAmount);
        }
      });

      test("sends bytes as text, and strings as binary", () => {
        const protocol = make();
        protocol.send(new Uint8Array(Buffer.from("Größe")), { binary: false });
        protocol.send("Größe", { binary: true });
        expect(written(protocol, role).map(({ opcode, text }) => [opcode, text])).toEqual([
          [1, "Größe"],
          [2, "Größe"],
        ]);
        expect(() => protocol.send(Uint8Array.of(0xc3), { binary: false })).toThrow(/UTF-8/);
        expect(protocol.take()).toEqual([]);
      });

      test("sends a message in pieces, with Pings in between", () => {
        const protocol = make();
        protocol.send("one, ", { fin: false });
        protocol.ping("1");
        protocol.send("two, ", { fin: false });
        protocol.ping("2");
        protocol.send("three");
        protocol.send("whole");
        expect(writtenShort(protocol, role)).toEqual([
          "text:one, …",
          "ping:1",
          "continuation:two, …",
          "ping:2",
          "continuation:three",
          "text:whole",
        ]);
      });

      test("joins a character that is cut between two pieces", () => {
        const protocol = make();
        protocol.send("a\ud83d", { fin: false });
        protocol.send("\ude42b", { fin: false });
        protocol.send("\ud83d", { fin: false });
        protocol.send("", { fin: false });
        protocol.send("\ude42\ud83d");
        const bytes = concat(protocol.take());
        expect(short(peer().receive(bytes))).toEqual(["text:a🙂b🙂\ufffd"]);
      });

      test("checks each character of text in bytes, across pieces, too", () => {
        const whole = new Uint8Array(Buffer.from("a🙂b"));
        for (let cut = 0; cut <= whole.length; cut++) {
          const protocol = make();
          protocol.send(whole.subarray(0, cut), { fin: false, binary: false });
          protocol.send(whole.subarray(cut), { binary: false });
          expect(short(peer().receive(concat(protocol.take())))).toEqual(["text:a🙂b"]);
        }
        const protocol = make();
        protocol.send(whole.subarray(0, 3), { fin: false, binary: false });
        expect(() => protocol.send("not the rest", { fin: false })).toThrow(/UTF-8/);
        expect(() => protocol.send(Uint8Array.of(0x80, 0x80, 0x80), { binary: false })).toThrow(/UTF-8/);
      });

      test("refuses a piece of the other kind and a prepared message within a message", () => {
        const protocol = make();
        protocol.send(Uint8Array.of(1), { fin: false });
        expect(() => protocol.send("text")).toThrow(/binary message is unfinished/);
        expect(() => protocol.send(new PreparedMessage("x"))).toThrow(TypeError);
        protocol.send("text", { binary: true });
        protocol.send("now it may");
        expect(writtenShort(protocol, role)).toEqual(["binary:\x01…", "continuation:text", "text:now it may"]);
      });

      test("sends messages longer than fragmentSize in fragments", () => {
        for (const [size, length] of [
          [1, 5],
          [3, 9],
          [3, 10],
          [64, 64],
          [64, 65],
          [4096, 20_000],
          [100_000, 250_000],
        ] as const) {
          const payload = new Random(size).bytes(length);
          const protocol = make({ fragmentSize: size });
          protocol.send(payload);
          protocol.send("é".repeat(length));
          const frames = written(protocol, role);
          const first = frames.slice(0, Math.ceil(length / size));
          expect(first.map(({ opcode, fin, payloadLength }) => [opcode, fin, payloadLength])).toEqual(
            first.map((_, i) => [i === 0 ? 2 : 0, i === first.length - 1, Math.min(size, length - i * size)]),
          );
          expect(frames).toHaveLength(first.length + Math.ceil((2 * length) / size));
          const sending = make();
          sending.send(payload, { fragmentSize: size });
          expect(peer().receive(concat(sending.take()))).toEqual([{ type: "binary", data: payload }]);
        }
        expect(() => make().send("x", { fragmentSize: 0 })).toThrow(RangeError);
      });

      test("refuses invalid data and options, and sends nothing", () => {
        const protocol = make();
        // @ts-expect-error neither a string nor bytes
        expect(() => protocol.send({})).toThrow(TypeError);
        // @ts-expect-error the same with options
        expect(() => protocol.send(null, { fin: false })).toThrow(TypeError);
        expect(() => protocol.ping("x".repeat(126))).toThrow(RangeError);
        expect(() => protocol.pong(new Uint8Array(126))).toThrow(RangeError);
        protocol.send("after it");
        expect(writtenShort(protocol, role)).toEqual(["text:after it"]);
      });

      test("does not join lone surrogates of different messages", () => {
        const protocol = make();
        protocol.send("a\ud83d");
        protocol.send("\ude42b");
        expect(short(peer().receive(concat(protocol.take())))).toEqual(["text:a\ufffd", "text:\ufffdb"]);
      });

      test("random sessions arrive as they were sent, in any chunks", () => {
        const random = new Random(role === "server" ? 11 : 12);
        for (let round = 0; round < 30; round++) {
          const protocol = make();
          const receiver = peer();
          const sent: string[] = [];
          const bytes: Uint8Array[] = [];
          for (let i = 0; i < 20; i++) {
            const length = random.pick([0, 1, 5, 125, 126, 500, 5000, 70_000]);
            const content = random
              .pick(["abc", "é", "日本", "🙂"])
              .repeat(length)
              .slice(0, length & ~1);
            if (random.chance(0.3)) {
              const cuts = [
                0,
                random.integer(0, content.length),
                random.integer(0, content.length),
                content.length,
              ].sort((a, b) => a - b);
              for (let j = 0; j < 3; j++) {
                protocol.send(content.slice(cuts[j], cuts[j + 1]), { fin: j === 2 });
                if (random.chance(0.3)) {
                  protocol.ping(`${i}`);
                  sent.push(`ping:${i}`);
                }
              }
              sent.push(`text:${content}`);
            } else if (random.chance(0.5)) {
              protocol.send(content);
              sent.push(`text:${content}`);
            } else {
              protocol.send(new Uint8Array(Buffer.from(content)));
              sent.push(`binary:${Buffer.from(content).toString("latin1")}`);
            }
            if (random.chance(0.3)) bytes.push(...protocol.take());
          }
          bytes.push(...protocol.take());
          const stream = concat(bytes);
          const events = [];
          for (let at = 0; at < stream.length;) {
            const size = random.pick([1, 10, 1000, 100_000]);
            events.push(...receiver.receive(stream.slice(at, at + size)));
            at += size;
          }
          const messages = (list: string[]) => list.filter((one) => !one.startsWith("ping"));
          expect(messages(short(events))).toEqual(messages(sent));
          expect(short(events).toSorted()).toEqual(sent.toSorted());
        }
      });
    });
  }
}

describe("regressions", () => {
  const server = () => new Protocol({ role: "client" });

  test("keeps the order of strings and bytes in a binary message", () => {
    const protocol = new Protocol({ role: "server" });
    protocol.send("a\ud83d", { binary: true, fin: false });
    protocol.send(Uint8Array.of(1, 2), { fin: false });
    protocol.send("\ude00z", { binary: true });
    const [event] = server().receive(concat(protocol.take()));
    const replacement = [0xef, 0xbf, 0xbd];
    expect(event).toEqual({
      type: "binary",
      data: Uint8Array.from([0x61, ...replacement, 1, 2, ...replacement, 0x7a]),
    });
  });

  test("a refused piece leaves the message unchanged", () => {
    const protocol = new Protocol({ role: "server" });
    protocol.send(Uint8Array.of(0xe2), { binary: false, fin: false });
    expect(() => protocol.send(Uint8Array.of(0xff), { binary: false, fin: false })).toThrow(/UTF-8/);
    expect(() => protocol.send("ok")).toThrow(/UTF-8/);
    expect(() => protocol.send(Uint8Array.of(0x82), { binary: false })).toThrow(/UTF-8/);
    protocol.send(Uint8Array.of(0x82), { binary: false, fin: false });
    protocol.send(Uint8Array.of(0xac), { binary: false, fin: false });
    protocol.send("!");
    expect(short(server().receive(concat(protocol.take())))).toEqual(["text:€!"]);
  });

  test("accepts every cut of text in bytes, and fails at once at an invalid byte", () => {
    const texts = ["é", "€", "🙂", "a€🙂é"].map((one) => new Uint8Array(Buffer.from(one)));
    for (const bytes of texts) {
      const protocol = new Protocol({ role: "server" });
      bytes.forEach((byte, i) => protocol.send(Uint8Array.of(byte), { binary: false, fin: i === bytes.length - 1 }));
      expect(short(server().receive(concat(protocol.take())))).toEqual([`text:${Buffer.from(bytes).toString()}`]);
    }
    for (const begin of [[0xed, 0xa0], [0xf5], [0xc0], [0xe0, 0x80], [0xf4, 0x90], [0x80]]) {
      const protocol = new Protocol({ role: "server" });
      expect(() => protocol.send(Uint8Array.from(begin), { binary: false, fin: false })).toThrow(/UTF-8/);
    }
  });

  test("fail() sends 1011 for a code that must not be sent", () => {
    const protocol = new Protocol({ role: "server" });
    const error = new WebSocketError("WS_ERR_PONG_TIMEOUT", "x", { closeCode: 1006, byteOffset: 0, rule: "x" });
    expect(short(protocol.fail(error))).toEqual(["error:WS_ERR_PONG_TIMEOUT@0", "close:1006: not clean"]);
    expect(writtenShort(protocol, "server")).toEqual(["close:1011:x"]);
  });

  test("prepared messages follow the options of send()", () => {
    const extensions = [perMessageDeflate()];
    const protocol = new Protocol({ role: "server", extensions });
    const message = new PreparedMessage("a".repeat(200));
    const lengths = (options?: SendOptions) => {
      protocol.send(message, options);
      return written(protocol, "server").map(({ payloadLength }) => payloadLength);
    };
    expect(lengths()).toEqual([200]);
    expect(lengths({ compress: true })[0]).toBeLessThan(10);
    expect(lengths({ compress: false })).toEqual([200]);
    expect(lengths({ fragmentSize: 64 })).toEqual([64, 64, 64, 8]);
    expect(lengths({ fragmentSize: 3, compress: true }).length).toBeGreaterThan(1);
    expect(() => lengths({ fin: false })).toThrow(/whole message/);
  });

  test("closes the connection if sending fails half-way, because the windows differ", () => {
    let fails = false;
    const protocol = new Protocol({
      role: "client",
      extensions: [perMessageDeflate({ threshold: 0 })],
      maskKey(key) {
        if (fails) throw new Error("entropy");
        key.fill(1);
      },
    });
    protocol.send("first ".repeat(20));
    fails = true;
    expect(() => protocol.send("second ".repeat(20))).toThrow();
    fails = false;
    expect(protocol.send("third")).toBe(false);
    expect(protocol.state).not.toBe("open");
    const receiver = new Protocol({ role: "server", extensions: [perMessageDeflate()] });
    expect(short(receiver.receive(concat(protocol.take())))[0]).toBe(`text:${"first ".repeat(20)}`);
  });
});
