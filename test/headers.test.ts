// The errors in a frame, most of them in its header, and the options that allow them. exhaustive/first-bytes.test.ts
// tests every pair of first bytes.

import { describe, expect, test } from "vitest";
import { FrameDecoder } from "../src/index.ts";
import { concat, serialize } from "./reference/serialize.ts";
import { viaDecode, viaPush } from "./support/run.ts";

interface WrongHeader {
  name: string;
  hex: string;
  code: string;
  closeCode: number;
  byteOffset: number;
  role?: "client";
  /** The section of the rule. Default: §5.2, which defines the header. */
  rule?: string;
}

describe("errors in a frame, at the first byte that shows them", () => {
  const cases: WrongHeader[] = [
    { name: "RSV1", hex: "c1", code: "WS_ERR_UNEXPECTED_RSV_1", closeCode: 1002, byteOffset: 0 },
    { name: "RSV2", hex: "a1", code: "WS_ERR_UNEXPECTED_RSV_2_3", closeCode: 1002, byteOffset: 0 },
    { name: "reserved opcode", hex: "83", code: "WS_ERR_INVALID_OPCODE", closeCode: 1002, byteOffset: 0 },
    { name: "reserved control opcode", hex: "8b", code: "WS_ERR_INVALID_OPCODE", closeCode: 1002, byteOffset: 0 },
    {
      name: "continuation without a message",
      hex: "80",
      code: "WS_ERR_INVALID_OPCODE",
      closeCode: 1002,
      byteOffset: 0,
      rule: "RFC 6455 §5.4",
    },
    {
      name: "fragmented ping",
      hex: "09",
      code: "WS_ERR_EXPECTED_FIN",
      closeCode: 1002,
      byteOffset: 0,
      rule: "RFC 6455 §5.5",
    },
    {
      name: "long ping",
      hex: "89fe",
      code: "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH",
      closeCode: 1002,
      byteOffset: 1,
      rule: "RFC 6455 §5.5",
    },
    {
      name: "Close of one byte",
      hex: "8881",
      code: "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH",
      closeCode: 1002,
      byteOffset: 1,
      rule: "RFC 6455 §5.5.1",
    },
    {
      name: "not masked",
      hex: "8101",
      code: "WS_ERR_EXPECTED_MASK",
      closeCode: 1002,
      byteOffset: 1,
      rule: "RFC 6455 §5.1",
    },
    {
      name: "masked",
      hex: "8181",
      code: "WS_ERR_UNEXPECTED_MASK",
      closeCode: 1002,
      byteOffset: 1,
      role: "client",
      rule: "RFC 6455 §5.1",
    },
    { name: "125 in 16 bits", hex: "82fe007d", code: "WS_ERR_NON_MINIMAL_LENGTH", closeCode: 1002, byteOffset: 3 },
    {
      name: "65535 in 64 bits",
      hex: "82ff000000000000ffff",
      code: "WS_ERR_NON_MINIMAL_LENGTH",
      closeCode: 1002,
      byteOffset: 9,
    },
    {
      name: "top bit of 64",
      hex: "82ff80",
      code: "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH",
      closeCode: 1002,
      byteOffset: 2,
    },
    {
      name: "2^53",
      hex: "82ff0020000000000000",
      code: "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH",
      closeCode: 1009,
      byteOffset: 9,
    },
    {
      name: "over maxFrame",
      hex: "82ff0000000006400001",
      code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
      closeCode: 1009,
      byteOffset: 9,
      rule: "maxFrame",
    },
    {
      name: "text that is not UTF-8",
      hex: "818100000000ff",
      code: "WS_ERR_INVALID_UTF8",
      closeCode: 1007,
      byteOffset: 6,
      rule: "RFC 6455 §8.1",
    },
    {
      name: "Close with a code that must not be sent",
      hex: "88820000000003ed",
      code: "WS_ERR_INVALID_CLOSE_CODE",
      closeCode: 1002,
      byteOffset: 7,
      rule: "RFC 6455 §7.4",
    },
  ];
  for (const { name, hex, code, closeCode, byteOffset, role = "server", rule = "RFC 6455 §5.2" } of cases) {
    test(name, () => {
      for (const core of ["wasm", "portable"] as const) {
        const decoder = new FrameDecoder({ role, core });
        const bytes = Buffer.from(hex, "hex");
        expect(decoder.decode(bytes.subarray(0, byteOffset))).toEqual([]);
        expect(decoder.error).toBeUndefined();
        expect(() => decoder.decode(bytes.subarray(byteOffset))).toThrow(
          expect.objectContaining({ name: "WebSocketError", code, closeCode, byteOffset, rule }),
        );
      }
    });
  }

  test("value is the opcode without the RSV bit that an extension owns", () => {
    const begun = serialize({ opcode: 1, fin: false, payload: Buffer.from("begun") });
    const cases = [
      [Buffer.alloc(0), 3, "RFC 6455 §5.2"],
      [Buffer.alloc(0), 11, "RFC 6455 §5.2"],
      [begun, 1, "RFC 6455 §5.4"],
      [begun, 2, "RFC 6455 §5.4"],
    ] as const;
    for (const core of ["wasm", "portable"] as const) {
      for (const [before, opcode, rule] of cases) {
        const decoder = new FrameDecoder({ role: "client", core, rsv: 4 });
        expect(() => decoder.decode(concat([before, serialize({ opcode, rsv: 4 })]))).toThrow(
          expect.objectContaining({ code: "WS_ERR_INVALID_OPCODE", byteOffset: before.length, value: opcode, rule }),
        );
      }
    }
  });

  test("each option allows what it names, and nothing else", () => {
    const ping = serialize({ opcode: 9, payload: Buffer.from("x") });
    const maskedPing = serialize({ opcode: 9, payload: Buffer.from("x"), maskKey: [9, 8, 7, 6] });
    const long = serialize({ opcode: 2, payload: Buffer.from("xy"), lengthBytes: 9, maskKey: [9, 8, 7, 6] });
    const close = serialize({ opcode: 8, payload: Buffer.from("bye"), maskKey: [9, 8, 7, 6] });
    const latin1 = serialize({ opcode: 1, payload: Buffer.from("é", "latin1"), maskKey: [9, 8, 7, 6] });
    for (const core of ["wasm", "portable"] as const) {
      for (const via of [viaDecode, viaPush]) {
        const run = (options: object, role: "server" | "client", bytes: Uint8Array) => {
          const seen = via({ role, core, ...options }, [bytes]);
          return seen.error?.code ?? seen.frames[0]!.payload.toString("latin1");
        };
        expect(run({}, "server", ping)).toBe("WS_ERR_EXPECTED_MASK");
        expect(run({ allowMasked: true, allowNonMinimalLength: true }, "server", ping)).toBe("WS_ERR_EXPECTED_MASK");
        expect(run({ allowUnmasked: true }, "server", ping)).toBe("x");
        expect(run({ allowUnmasked: true }, "server", maskedPing)).toBe("x");
        expect(run({}, "client", maskedPing)).toBe("WS_ERR_UNEXPECTED_MASK");
        expect(run({ allowMasked: true }, "client", maskedPing)).toBe("x");
        expect(run({}, "server", long)).toBe("WS_ERR_NON_MINIMAL_LENGTH");
        expect(run({ allowNonMinimalLength: true }, "server", long)).toBe("xy");
        expect(run({}, "server", close)).toBe("WS_ERR_INVALID_CLOSE_CODE");
        expect(run({ allowInvalidClose: true }, "server", close)).toBe("bye");
        expect(run({}, "server", latin1)).toBe("WS_ERR_INVALID_UTF8");
        expect(run({ allowInvalidUtf8: true }, "server", latin1)).toBe("é");
      }
    }
  });
});
