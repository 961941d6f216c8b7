// Text must be UTF-8, and fails at the first invalid byte (RFC 6455 §5.6, §8.1).

import { describe, expect, test } from "vitest";
import { Protocol, type ProtocolEvent } from "../../src/index.ts";
import { concat, type RawFrame, serialize } from "../reference/serialize.ts";
import { conforms, type Fault, SUBJECTS } from "./support/conforms.ts";
import {
  binary,
  closePayload,
  continuation,
  fragmented,
  fragments,
  frame,
  fromEndpoint,
  hex,
  MASK_KEY,
  ping,
  text,
  toEndpoint,
  toHex,
  utf8,
} from "./support/frames.ts";
import { GROUPS, KOSME } from "./support/sequences.ts";

const wrong = (index: number, payload: number, missing = false): Fault => ({
  code: "WS_ERR_INVALID_UTF8",
  closeCode: 1007,
  frame: index,
  payload,
  missing,
});

const decoded = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

/** A payload in frames of one byte. Byte i is in frame i. */
const inBytes = (payload: Uint8Array): RawFrame[] => fragmented(1, payload, 1);

describe("empty text", () => {
  test("6.1.1: text without bytes", () => {
    conforms([text("")], { events: [["text", ""]] });
  });

  test("6.1.2: three empty fragments", () => {
    conforms(fragments(1, "", "", ""), { events: [["text", ""]] });
  });

  test("6.1.3: three fragments, the first and the last empty", () => {
    conforms(fragments(1, "", "middle frame payload", ""), { events: [["text", "middle frame payload"]] });
  });
});

describe("valid text", () => {
  const message = "Hello-µ@ßöäüàá-UTF-8!!";

  test("6.2.1: in one frame", () => {
    conforms([text(message)], { events: [["text", message]] });
  });

  test("6.2.2: in two fragments, cut between characters", () => {
    conforms(fragments(1, "Hello-µ@ßöä", "üàá-UTF-8!!"), { events: [["text", message]] });
  });

  test("6.2.3: in fragments of one byte, cut inside characters", () => {
    conforms(inBytes(utf8(message)), { events: [["text", message]] });
  });

  test("6.2.4: a Greek word in fragments of one byte", () => {
    conforms(inBytes(hex(KOSME)), { events: [["text", decoded(hex(KOSME))]] });
  });

  test("cut at every byte into two fragments, with a ping in between", () => {
    const payload = utf8("aé€𝄞\u{10ffff}\0z");
    for (let at = 0; at <= payload.length; at++) {
      conforms([text(payload.subarray(0, at), { fin: false }), ping("p"), continuation(payload.subarray(at))], {
        events: [
          ["ping", "70"],
          ["text", decoded(payload)],
        ],
      });
    }
  });

  test("a byte order mark is a character like any other, at the start of a message and inside", () => {
    const marked = "\u{feff}text\u{feff}";
    conforms([text(marked), text("\u{feff}"), ...inBytes(utf8(marked))], {
      events: [
        ["text", marked],
        ["text", "\u{feff}"],
        ["text", marked],
      ],
    });
  });

  test("every code point except surrogates, in messages of 4,096", () => {
    const messages: string[] = [];
    for (let from = 0; from < 0x110000; from += 4096) {
      const points = Array.from({ length: 4096 }, (_, i) => from + i).filter((c) => c < 0xd800 || c > 0xdfff);
      messages.push(points.map((point) => String.fromCodePoint(point)).join(""));
    }
    for (const { role, core } of SUBJECTS) {
      const protocol = new Protocol({ role, core });
      for (const message of messages) {
        const [event] = protocol.receive(toEndpoint(role, text(message))) as [ProtocolEvent];
        expect(event.type === "text" && event.data === message).toBe(true);
      }
    }
  });
});

describe("invalid text fails at the first wrong byte", () => {
  const surrogate = hex(`${KOSME}eda080656469746564`);

  test("6.3.1: in one frame", () => {
    conforms([text(surrogate)], { fault: wrong(0, 12) });
  });

  test("6.3.2: in fragments of one byte", () => {
    conforms(inBytes(surrogate), { fault: wrong(12, 0) });
  });

  test("6.4.1: in the second of three fragments, even if the third is never sent", () => {
    const parts = fragments(1, hex(KOSME), hex("f4908080"), hex("656469746564"));
    conforms(parts, { fault: wrong(1, 1) });
    conforms(parts.slice(0, 2), { fault: wrong(1, 1) });
  });

  test("6.4.2: in the second of three fragments, at the byte that makes it invalid", () => {
    const parts = fragments(1, hex(`${KOSME}f4`), hex("90"), hex("8080656469746564"));
    conforms(parts, { fault: wrong(1, 0) });
    conforms(parts.slice(0, 2), { fault: wrong(1, 0) });
  });

  for (const [number, parts] of [
    ["6.4.3", [KOSME, "f4908080", "656469746564"]],
    ["6.4.4", [`${KOSME}f4`, "90", "8080656469746564"]],
  ] as const) {
    test(`${number}: in one frame that arrives in three parts, at the second part`, () => {
      const payload = hex(parts.join(""));
      for (const { role, core } of SUBJECTS) {
        const stream = toEndpoint(role, text(payload));
        const start = stream.length - payload.length;
        const first = start + parts[0].length / 2;
        const second = first + parts[1].length / 2;
        const protocol = new Protocol({ role, core });
        expect(protocol.receive(stream.subarray(0, first))).toEqual([]);
        expect(protocol.state).toBe("open");
        const events = protocol.receive(stream.subarray(first, second));
        expect(events).toMatchObject([
          { type: "error", error: { code: "WS_ERR_INVALID_UTF8", closeCode: 1007, byteOffset: start + 12 } },
          { type: "close", code: 1006, wasClean: false },
        ]);
        expect(protocol.take().length).toBe(1);
        expect(protocol.state).toBe("closed");
        expect(protocol.receive(stream.subarray(second))).toEqual([]);
      }
    });
  }

  test("a message that announces 16 MiB fails at its third byte, before more has arrived", () => {
    for (const { role, core } of SUBJECTS) {
      const protocol = new Protocol({ role, core, maskKey: Uint8Array.from(MASK_KEY) });
      const start = toEndpoint(role, text(hex("6162"), { lengthBytes: 9, claimedLength: 16_777_216n }));
      expect(protocol.receive(start)).toEqual([]);
      const wrongByte = role === "server" ? 0xc0 ^ MASK_KEY[2]! : 0xc0;
      expect(protocol.receive(new Uint8Array([wrongByte]))).toMatchObject([
        { type: "error", error: { code: "WS_ERR_INVALID_UTF8", byteOffset: start.length } },
        { type: "close" },
      ]);
      const [reply] = protocol.take();
      const head = fromEndpoint(role, frame(8, closePayload(1007, reasonOf(role, reply!))));
      expect(reply).toEqual(head);
    }
  });

  test("one wrong byte anywhere in a text of 70 bytes, ASCII or not, is found at its place", () => {
    for (const filling of ["61", "c3a9"]) {
      const good = hex(filling.repeat(70)).subarray(0, 70);
      for (let at = 0; at < 70; at++) {
        const payload = Uint8Array.from(good);
        payload[at] = 0xff;
        conforms([text(payload)], { fault: wrong(0, at) });
      }
    }
  });

  test("earlier messages and pings are kept, later ones ignored", () => {
    conforms([text("kept"), ping("p"), binary(hex("ff")), text(hex("61ff62")), text("late")], {
      events: [
        ["text", "kept"],
        ["ping", "70"],
        ["binary", "ff"],
      ],
      fault: wrong(3, 1),
    });
  });

  test("binary is not checked, in one frame or in several", () => {
    conforms([binary(surrogate), ...fragmented(2, surrogate, 3)], {
      events: [
        ["binary", toHex(surrogate)],
        ["binary", toHex(surrogate)],
      ],
    });
  });

  test("a character must not continue in the next message", () => {
    conforms([text(hex("c3")), text(hex("a9"))], { fault: wrong(0, 1, true) });
  });

  test("a ping between the two halves of a character has no effect, whatever its payload", () => {
    conforms([text(hex("61c3"), { fin: false }), ping(hex("ffc3")), continuation(hex("a962"))], {
      events: [
        ["ping", "ffc3"],
        ["text", "aéb"],
      ],
    });
    conforms([text(hex("61c3"), { fin: false }), ping(hex("a9")), continuation(hex("62"))], {
      events: [["ping", "a9"]],
      fault: wrong(2, 0),
    });
  });
});

/** The reason in a Close that an endpoint has sent. */
function reasonOf(role: "server" | "client", bytes: Uint8Array): Uint8Array {
  if (role === "server") return bytes.subarray(4);
  return bytes.subarray(8).map((byte, i) => byte ^ MASK_KEY[(i + 2) % 4]!);
}

for (const { section, what, sequences } of GROUPS) {
  describe(`${section}: ${what}`, () => {
    sequences.forEach(([digits, wrongAt], i) => {
      const bytes = hex(digits);
      const { length } = bytes;
      const name = `${section}.${i + 1}: ${digits.length > 40 ? `${digits.slice(0, 40)}...` : digits}`;
      if (wrongAt === undefined) {
        test(`${name} is valid`, () => {
          const expected = decoded(bytes);
          const padded = concat([utf8("0123456789abcdefé"), bytes, utf8("edited")]);
          conforms([text(bytes), ...inBytes(bytes), text(padded), ...fragmented(1, padded, 5)], {
            events: [
              ["text", expected],
              ["text", expected],
              ["text", decoded(padded)],
              ["text", decoded(padded)],
            ],
          });
          conforms([frame(8, closePayload(1000, bytes))], { close: [1000, expected] });
        });
      } else {
        const missing = wrongAt === length;
        test(`${name} fails at byte ${wrongAt}`, () => {
          conforms([text(bytes)], { fault: wrong(0, wrongAt, missing) });
          conforms(inBytes(bytes), { fault: missing ? wrong(length - 1, 1, true) : wrong(wrongAt, 0) });
          // The sequence comes after 18 bytes and before others, so that the vector loops read it.
          const padded = concat([utf8("0123456789abcdefé"), bytes, utf8("edited")]);
          conforms([text("kept"), text(padded)], { events: [["text", "kept"]], fault: wrong(1, 18 + wrongAt) });
          conforms([text("edited", { fin: false }), continuation(bytes)], { fault: wrong(1, wrongAt, missing) });
          conforms([frame(8, closePayload(1000, bytes))], { fault: wrong(0, 2 + wrongAt, missing) });
        });
      }
    });
  });
}

describe("sent text is UTF-8", () => {
  test("characters of all lengths, and U+FFFD for half a surrogate pair", () => {
    for (const { role, core } of SUBJECTS) {
      const protocol = new Protocol({ role, core, maskKey: Uint8Array.from(MASK_KEY) });
      const given = ["aé€𝄞", "\ud834", "x\udd1ey", "\u{feff}"];
      for (const item of given) protocol.send(item);
      const frames = ["aé€𝄞", "\u{fffd}", "x\u{fffd}y", "\u{feff}"].map((item) => fromEndpoint(role, text(item)));
      expect(concat(protocol.take())).toEqual(concat(frames));
    }
  });

  test("a surrogate pair that is split between two pieces is sent whole", () => {
    for (const { role, core } of SUBJECTS) {
      const protocol = new Protocol({ role, core, maskKey: Uint8Array.from(MASK_KEY) });
      protocol.send("a\ud834", { fin: false });
      protocol.send("\udd1eb");
      const frames = [text("a", { fin: false }), continuation("𝄞b")].map((item) => fromEndpoint(role, item));
      expect(concat(protocol.take())).toEqual(concat(frames));
    }
  });

  test("refuses to send bytes that are not UTF-8 as text", () => {
    for (const { role, core } of SUBJECTS) {
      const protocol = new Protocol({ role, core });
      for (const { sequences } of GROUPS) {
        for (const [digits, wrongAt] of sequences) {
          if (wrongAt !== undefined) expect(() => protocol.send(hex(digits), { binary: false })).toThrow(TypeError);
        }
      }
      expect(protocol.take()).toEqual([]);
    }
  });

  test("sends bytes that are UTF-8 as text", () => {
    for (const { role, core } of SUBJECTS) {
      const protocol = new Protocol({ role, core, maskKey: Uint8Array.from(MASK_KEY) });
      protocol.send(hex(KOSME), { binary: false });
      expect(concat(protocol.take())).toEqual(
        serialize({ opcode: 1, payload: hex(KOSME), maskKey: role === "client" ? MASK_KEY : undefined }),
      );
    }
  });
});
