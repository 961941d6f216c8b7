// Whole messages in one frame, of every length class (RFC 6455 §5.2, §5.6).

import { describe, test } from "vitest";
import { conforms } from "./support/conforms.ts";
import { binary, frame, MASK_KEY, text, toHex } from "./support/frames.ts";

const LENGTHS = [
  [1, 0],
  [2, 125],
  [3, 126],
  [4, 127],
  [5, 128],
  [6, 65_535],
  [7, 65_536],
] as const;

describe("text messages", () => {
  for (const [number, length] of LENGTHS) {
    test(`1.1.${number}: text of ${length.toLocaleString("en")} bytes is echoed`, () => {
      const message = "*".repeat(length);
      conforms([text(message)], { events: [["text", message]] });
    });
  }

  test("1.1.8: text of 65,536 bytes in chops of 997 bytes is echoed", () => {
    const message = "*+".repeat(32_768);
    conforms([text(message)], { events: [["text", message]] });
  });
});

describe("binary messages", () => {
  for (const [number, length] of LENGTHS) {
    test(`1.2.${number}: binary of ${length.toLocaleString("en")} bytes is echoed`, () => {
      const message = new Uint8Array(length).fill(0xfe);
      conforms([binary(message)], { events: [["binary", toHex(message)]] });
    });
  }

  test("1.2.8: binary of 65,536 bytes in chops of 997 bytes is echoed", () => {
    const message = Uint8Array.from({ length: 65_536 }, (_, i) => (i * 7) & 255);
    conforms([binary(message)], { events: [["binary", toHex(message)]] });
  });

  test("every byte value goes through a mask unchanged, at every place in the masking-key", () => {
    const message = Uint8Array.from({ length: 1027 }, (_, i) => (i * 257) & 255);
    conforms([binary("x"), binary(message), binary(message.subarray(1))], {
      events: [
        ["binary", "78"],
        ["binary", toHex(message)],
        ["binary", toHex(message.subarray(1))],
      ],
    });
  });
});

describe("lengths", () => {
  for (const [length, lengthBytes] of [
    [0, 3],
    [125, 3],
    [0, 9],
    [126, 9],
    [65_535, 9],
  ] as const) {
    test(`a length of ${length} in ${lengthBytes - 1} extra bytes fails with its last byte`, () => {
      conforms([text("before"), binary(new Uint8Array(length), { lengthBytes })], {
        events: [["text", "before"]],
        fault: { code: "WS_ERR_NON_MINIMAL_LENGTH", closeCode: 1002, frame: 1, header: lengthBytes },
      });
    });
  }

  test("a 64-bit length with its top bit set fails with that byte", () => {
    conforms([text("before"), binary("", { lengthBytes: 9, claimedLength: 1n << 63n })], {
      events: [["text", "before"]],
      fault: { code: "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH", closeCode: 1002, frame: 1, header: 2 },
    });
  });

  test("a length of 2^53 fails as too big", () => {
    conforms([text("before"), binary("", { lengthBytes: 9, claimedLength: 1n << 53n })], {
      events: [["text", "before"]],
      fault: { code: "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH", closeCode: 1009, frame: 1, header: 9 },
    });
  });

  for (const [claimed, lengthBytes] of [
    [1001, 3],
    [65_536, 9],
    [Number.MAX_SAFE_INTEGER, 9],
  ] as const) {
    test(`a frame of ${claimed} bytes fails with its header where 1,000 are allowed`, () => {
      const limits = { maxFrame: 1000 };
      const greedy = frame(2, "", { lengthBytes, claimedLength: BigInt(claimed) });
      conforms(
        [text("before"), greedy],
        {
          events: [["text", "before"]],
          fault: { code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", closeCode: 1009, frame: 1, header: lengthBytes },
        },
        { limits },
      );
    });
  }
});

describe("masks", () => {
  for (const opcode of [1, 2, 8, 9, 10]) {
    test(`a frame of opcode ${opcode} with the wrong mask for its direction fails with its second byte`, () => {
      for (const role of ["server", "client"] as const) {
        const wrong = frame(opcode, "", { maskKey: role === "server" ? undefined : MASK_KEY });
        conforms(
          [text("before"), wrong],
          {
            events: [["text", "before"]],
            fault: {
              code: role === "server" ? "WS_ERR_EXPECTED_MASK" : "WS_ERR_UNEXPECTED_MASK",
              closeCode: 1002,
              frame: 1,
              header: 1,
            },
          },
          {},
          role,
        );
      }
    });
  }
});
