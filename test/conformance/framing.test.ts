// Whole messages in one frame, of every class of lengths (RFC 6455 §5.2, §5.6).

import { describe, expect, test } from "vitest";
import { Protocol } from "../../src/index.ts";
import { ReferenceDecoder } from "../reference/decoder.ts";
import { concat } from "../reference/serialize.ts";
import { conforms, type Seen, SUBJECTS } from "./support/conforms.ts";
import { binary, chops, frame, hex, MASK_KEY, text, toHex } from "./support/frames.ts";

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

  test("1.1.8: text of 65,536 bytes in chunks of 997 bytes is echoed", () => {
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

  test("1.2.8: binary of 65,536 bytes in chunks of 997 bytes is echoed", () => {
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
    test(`a length of ${length} in ${lengthBytes - 1} extra bytes fails at its last byte`, () => {
      conforms([text("before"), binary(new Uint8Array(length), { lengthBytes })], {
        events: [["text", "before"]],
        fault: { code: "WS_ERR_NON_MINIMAL_LENGTH", closeCode: 1002, frame: 1, header: lengthBytes },
      });
    });
  }

  test("a 64-bit length with its top bit set fails at that byte", () => {
    conforms([text("before"), binary("", { lengthBytes: 9, claimedLength: 1n << 63n })], {
      events: [["text", "before"]],
      fault: { code: "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH", closeCode: 1002, frame: 1, header: 2 },
    });
  });

  test("a length of 2^53 is too large", () => {
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
    test(`a frame of ${claimed} bytes fails at its header if 1,000 are allowed`, () => {
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
    test(`a frame of opcode ${opcode} with the wrong mask for its direction fails at its second byte`, () => {
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

describe("RFC 6455 §5.7: the examples", () => {
  const hello: Seen = ["text", "Hello"];

  const arrives = (role: "server" | "client", digits: string, events: readonly Seen[]): void => {
    for (const core of ["wasm", "portable"] as const) {
      for (const size of [1, 2, Infinity]) {
        const protocol = new Protocol({ role, core });
        const seen = chops(hex(digits), size)
          .flatMap((chunk) => protocol.receive(chunk))
          .map((event) => [
            event.type,
            "data" in event && (typeof event.data === "string" ? event.data : toHex(event.data)),
          ]);
        expect(seen).toEqual(events);
      }
    }
  };

  test("are decoded as in the RFC", () => {
    arrives("client", "810548656c6c6f", [hello]);
    arrives("server", "818537fa213d7f9f4d5158", [hello]);
    arrives("client", "010348656c80026c6f", [hello]);
    arrives("client", "890548656c6c6f", [["ping", toHex(Buffer.from("Hello"))]]);
    arrives("server", "8a8537fa213d7f9f4d5158", [["pong", toHex(Buffer.from("Hello"))]]);
    const long = Uint8Array.from({ length: 65_536 }, (_, i) => i & 255);
    arrives("client", `827e0100${toHex(long.subarray(0, 256))}`, [["binary", toHex(long.subarray(0, 256))]]);
    arrives("client", `827f0000000000010000${toHex(long)}`, [["binary", toHex(long)]]);
  });

  test("are encoded as in the RFC", () => {
    for (const core of ["wasm", "portable"] as const) {
      const server = new Protocol({ role: "server", core });
      server.send("Hello");
      server.send("Hel", { fin: false });
      server.send("lo");
      server.ping("Hello");
      expect(toHex(concat(server.take()))).toBe("810548656c6c6f010348656c80026c6f890548656c6c6f");
      const client = new Protocol({ role: "client", core, maskKey: Uint8Array.from(MASK_KEY) });
      client.send("Hello");
      client.pong("Hello");
      expect(toHex(concat(client.take()))).toBe("818537fa213d7f9f4d51588a8537fa213d7f9f4d5158");
    }
  });
});

describe("sent", () => {
  test("each frame of a client has a masking-key of its own, no frame of a server has one", () => {
    for (const { role, core } of SUBJECTS) {
      const protocol = new Protocol({ role, core });
      for (let i = 0; i < 200; i++) {
        protocol.send("same");
        protocol.send(hex("00"), { fragmentSize: 1 });
        protocol.ping("same");
      }
      protocol.close(1000, "same");
      const decoder = new ReferenceDecoder({ server: role === "client" });
      decoder.push(concat(protocol.take()));
      expect([decoder.error, decoder.frames.length]).toEqual([undefined, 601]);
      const keys = decoder.frames.map(({ maskKey }) => maskKey && maskKey.join("."));
      // Among 601 random keys, two are equal in one of 24,000 runs. A fixed key would occur 601 times.
      if (role === "client") expect(new Set(keys).size).toBeGreaterThanOrEqual(600);
      else expect(keys.every((key) => key === undefined)).toBe(true);
    }
  });

  test("lengths of every class use as few bytes as possible", () => {
    for (const { role, core } of SUBJECTS) {
      const protocol = new Protocol({ role, core });
      for (const [length, header] of [
        [0, 2],
        [125, 2],
        [126, 4],
        [65_535, 4],
        [65_536, 10],
      ] as const) {
        protocol.send(new Uint8Array(length));
        const mask = role === "client" ? 4 : 0;
        expect(concat(protocol.take()).length).toBe(header + mask + length);
      }
    }
  });
});
