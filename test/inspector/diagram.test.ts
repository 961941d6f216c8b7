// The layout of the header diagram (RFC 6455 §5.2).

import { describe, expect, test } from "vitest";
import { encodeFrame, FrameDecoder, type FrameHeader } from "wsframe";
import { layOut } from "../../src/inspector/diagram.ts";
import { readHeader } from "../../src/inspector/header.ts";
import type { TappedFrame } from "../../src/inspector/frame.ts";
import { payloadOf } from "../../src/inspector/page/words.ts";
import { Random } from "../support/random.ts";

const draw = (raw: Uint8Array, columns: number) =>
  layOut(raw, readHeader(raw), columns).map((row) => row.map(({ name, bits }) => `${name} ${bits}`));

test("lays out the masked “Hello” of §5.7 as the RFC does", () => {
  const raw = Uint8Array.of(0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58);
  expect(draw(raw, 32)).toEqual([
    ["FIN 1", "RSV1 0", "RSV2 0", "RSV3 0", "opcode 0001", "MASK 1", "length 0000101", "key 0011011111111010"],
    ["key 0010000100111101", "payload 0111111110011111"],
    ["payload 01001101010100010101100000000000".slice(0, 8 + 24)],
  ]);
});

describe("every length and both roles", () => {
  const random = new Random(52);
  for (const length of [0, 1, 5, 125, 126, 127, 65535, 65536]) {
    for (const role of ["client", "server"] as const) {
      test(`${length} bytes from a ${role}`, () => {
        const payload = Uint8Array.from({ length }, () => random.integer(0, 255));
        const raw = encodeFrame({ opcode: 2, payload }, { role });
        const header = readHeader(raw);
        let core: Pick<FrameHeader, "fin" | "rsv" | "opcode" | "masked" | "headerLength" | "payloadLength"> | undefined;
        let coreKey: Uint8Array | undefined;
        const sink = {
          header({ fin, rsv, opcode, masked, headerLength, payloadLength, maskKey }: FrameHeader) {
            core = { fin, rsv, opcode, masked, headerLength, payloadLength };
            coreKey = maskKey;
          },
          payload() {},
          end() {},
        };
        new FrameDecoder({ role: role === "client" ? "server" : "client" }).push(raw, sink);
        const { fin, rsv, opcode, masked, headerLength, payloadLength, maskKey } = header;
        expect({ fin, rsv, opcode, masked, headerLength, payloadLength: Number(payloadLength) }).toEqual(core);
        expect(maskKey && [...maskKey]).toEqual(coreKey && [...coreKey]);
        if (maskKey) {
          // From any offset.
          for (const start of [0, 1, 4, 7, 1024].filter((start) => start <= length)) {
            const part = payloadOf({ raw } as TappedFrame, header, start, length);
            expect(Buffer.compare(part, payload.subarray(start))).toBe(0);
          }
        }
        for (const columns of [16, 32]) {
          const rows = layOut(raw, header, columns);
          const bits = rows
            .flat()
            .map((segment) => segment.bits)
            .join("");
          const all = [...raw].map((byte) => byte.toString(2).padStart(8, "0")).join("");
          expect(all.startsWith(bits)).toBe(true);
          expect(bits.length).toBeGreaterThanOrEqual(headerLength * 8);
          for (const row of rows.slice(0, -1)) {
            expect(row.reduce((sum, segment) => sum + segment.bits.length, 0)).toBe(columns);
          }
        }
      });
    }
  }
});

test("draws an incomplete header as far as it goes", () => {
  expect(draw(Uint8Array.of(0x82), 32)).toEqual([["FIN 1", "RSV1 0", "RSV2 0", "RSV3 0", "opcode 0010"]]);
  expect(
    draw(Uint8Array.of(0x82, 0xfe, 1), 32)
      .flat()
      .at(-1),
  ).toBe("extended 00000001");
  expect(
    draw(Uint8Array.of(0x82, 0x81, 1, 2), 32)
      .flat()
      .at(-1),
  ).toBe("key 0000000100000010");
});
