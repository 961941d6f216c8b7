// Large messages, small fragments, small chunks and many messages: correct and in time (RFC 6455 §5.2, §5.4, §10.4).

import { describe, expect, test } from "vitest";
import { Protocol } from "../../src/index.ts";
import { concat, type RawFrame } from "../reference/serialize.ts";
import { SUBJECTS } from "./support/conforms.ts";
import { binaryOf, echoes, textOf } from "./support/echo.ts";
import { binary, continuation, fragmented, frame, ping, text, toEndpoint } from "./support/frames.ts";

const KIB = 1024;
const MIB = 1024 * KIB;

const sizeName = (size: number): string =>
  size >= MIB ? `${size / MIB} MiB` : size >= KIB ? `${size / KIB} KiB` : `${size} bytes`;

const WASM = SUBJECTS.filter(({ core }) => core === "wasm");

describe("large messages in one frame", () => {
  [64 * KIB, 256 * KIB, MIB, 4 * MIB, 8 * MIB, 16 * MIB].forEach((size, i) => {
    test(`9.1.${i + 1}: text of ${sizeName(size)} is echoed`, () => {
      const message = text(textOf(size, "mixed"));
      for (const subject of size > 4 * MIB ? WASM : SUBJECTS) echoes(subject, [message], [message], 64 * KIB);
    });

    test(`9.2.${i + 1}: binary of ${sizeName(size)} is echoed`, () => {
      const message = binary(binaryOf(size));
      for (const subject of size > 4 * MIB ? WASM : SUBJECTS) echoes(subject, [message], [message], 65_521);
    });
  });

  test("16 MiB in a single chunk", () => {
    const message = text(textOf(16 * MIB));
    for (const subject of WASM) echoes(subject, [message], [message], Infinity);
  });
});

describe("4 MiB in fragments", () => {
  [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB, 4 * MIB].forEach((size, i) => {
    test(`9.3.${i + 1}: text in fragments of ${sizeName(size)} is echoed as one message`, () => {
      const payload = textOf(4 * MIB, "mixed");
      const parts = fragmented(1, payload, size);
      for (const subject of WASM) echoes(subject, parts, [text(payload)], 64 * KIB);
    });

    test(`9.4.${i + 1}: binary in fragments of ${sizeName(size)} is echoed as one message`, () => {
      const payload = binaryOf(4 * MIB);
      const parts = fragmented(2, payload, size);
      for (const subject of WASM) echoes(subject, parts, [binary(payload)], 64 * KIB);
    });
  });

  test("32 KiB in fragments of 1, 64 and 1,024 bytes, on both cores", () => {
    for (const size of [1, 64, KIB]) {
      for (const subject of SUBJECTS) {
        const payload = textOf(32 * KIB, "mixed");
        echoes(subject, fragmented(1, payload, size), [text(payload)], 64 * KIB);
        echoes(subject, fragmented(2, payload, size), [binary(payload)], 64 * KIB);
      }
    }
  });
});

describe("1 MiB in small chunks", () => {
  [64, 128, 256, 512, KIB, 2 * KIB].forEach((size, i) => {
    test(`9.5.${i + 1}: text in chunks of ${sizeName(size)} is echoed`, () => {
      const message = text(textOf(MIB, "mixed"));
      for (const subject of SUBJECTS) echoes(subject, [message], [message], size);
    });

    test(`9.6.${i + 1}: binary in chunks of ${sizeName(size)} is echoed`, () => {
      const message = binary(binaryOf(MIB));
      for (const subject of SUBJECTS) echoes(subject, [message], [message], size);
    });
  });
});

describe("16 MiB in small chunks; limits-performance.slow.ts has all of it byte by byte", () => {
  test("text and binary of 16 MiB to a server, the first and last 64 KiB byte by byte, the rest in chunks of 61 bytes", () => {
    const size = (at: number, length: number) => (at < 64 * KIB || at >= length - 64 * KIB ? 1 : 61);
    for (const message of [text(textOf(16 * MIB, "mixed")), binary(binaryOf(16 * MIB))]) {
      echoes({ role: "server", core: "wasm" }, [message], [message], size);
    }
  });

  test("text of 16 MiB to a client, in chunks of 17 bytes", () => {
    const message = text(textOf(16 * MIB, "mixed"));
    echoes({ role: "client", core: "wasm" }, [message], [message], 17);
  });

  test("text of 128 KiB byte by byte, in both roles and on both cores", () => {
    const message = text(textOf(128 * KIB, "mixed"));
    for (const subject of SUBJECTS) echoes(subject, [message], [message], 1);
  });

  test("16 MiB in fragments of 1 KiB and chunks of 1,000 bytes", () => {
    const payload = textOf(16 * MIB, "mixed");
    for (const subject of WASM) echoes(subject, fragmented(1, payload, KIB), [text(payload)], 1000);
  });
});

describe("1,000 messages", () => {
  [0, 16, 64, 256, KIB, 4 * KIB].forEach((size, i) => {
    for (const [section, make, payload] of [
      ["9.7", text, textOf(size, "mixed")],
      ["9.8", binary, binaryOf(size)],
    ] as const) {
      test(`${section}.${i + 1}: ${section === "9.7" ? "text" : "binary"} of ${sizeName(size)}, each echoed`, () => {
        const messages = Array.from({ length: 1000 }, () => make(payload));
        for (const subject of SUBJECTS) {
          if (subject.core === "portable" && size > KIB) continue;
          echoes(subject, messages, messages, 64 * KIB);
          echoes(subject, messages, messages, 1021);
        }
      });
    }
  });
});

describe("limits", () => {
  const failure = (code: string, closeCode: number) => [
    { type: "error", error: { code, closeCode } },
    { type: "close", code: 1006, wasClean: false },
  ];

  test("a message as long as allowed is delivered, one byte more fails at the header, before its payload", () => {
    for (const { role, core } of SUBJECTS) {
      const limits = { maxMessage: 100_000 };
      const protocol = new Protocol({ role, core, limits });
      expect(protocol.receive(toEndpoint(role, binary(binaryOf(100_000)))).length).toBe(1);
      const announced = toEndpoint(role, frame(2, "", { lengthBytes: 9, claimedLength: 100_001n }));
      expect(protocol.receive(announced)).toMatchObject(failure("WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", 1009));
      expect(protocol.state).toBe("closing");
    }
  });

  test("the default limit is 100 MiB, for a frame and for the sum of fragments", () => {
    for (const { role, core } of SUBJECTS) {
      const whole = frame(2, "", { lengthBytes: 9, claimedLength: 104_857_601n });
      expect(new Protocol({ role, core }).receive(toEndpoint(role, whole))).toMatchObject(
        failure("WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", 1009),
      );
      const rest = frame(0, "", { lengthBytes: 9, claimedLength: 104_857_600n });
      const stream = concat([toEndpoint(role, binary("x", { fin: false })), toEndpoint(role, rest)]);
      expect(new Protocol({ role, core }).receive(stream)).toMatchObject(
        failure("WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", 1009),
      );
    }
  });

  test("a message in a million empty or tiny fragments fails at the limit, not when memory is full", () => {
    for (const subject of WASM) {
      for (const payload of ["", "x"]) {
        const limits = { maxFragments: 1_000_000 };
        const protocol = new Protocol({ ...subject, limits });
        const start = toEndpoint(subject.role, text(payload, { fin: false }));
        const more = toEndpoint(subject.role, continuation(payload, { fin: false }));
        const chunk = concat(Array.from({ length: 10_000 }, () => more));
        expect(protocol.receive(start)).toEqual([]);
        for (let i = 0; i < 99; i++) expect(protocol.receive(chunk)).toEqual([]);
        expect(protocol.receive(chunk)).toMatchObject(failure("WS_ERR_TOO_MANY_BUFFERED_PARTS", 1008));
      }
    }
  });

  test("pings fail when too many pongs are waiting", () => {
    for (const { role, core } of SUBJECTS) {
      const protocol = new Protocol({ role, core, limits: { maxPendingPongs: 10 } });
      const tenPings = concat(Array.from({ length: 10 }, () => toEndpoint(role, ping("p"))));
      expect(protocol.receive(tenPings).length).toBe(10);
      protocol.take();
      expect(protocol.receive(tenPings).length).toBe(10);
      expect(protocol.receive(toEndpoint(role, ping("p")))).toMatchObject(
        failure("WS_ERR_TOO_MANY_PENDING_PONGS", 1008),
      );
    }
  });

  test("control frames faster than allowed fail; each period starts a new count", () => {
    for (const { role, core } of SUBJECTS) {
      const protocol = new Protocol({ role, core, limits: { maxControlFrames: 3, controlPeriod: 1000 } });
      const pongs = (count: number) =>
        concat(Array.from({ length: count }, (): RawFrame => frame(10)).map((item) => toEndpoint(role, item)));
      expect(protocol.receive(pongs(3), 0).length).toBe(3);
      expect(protocol.receive(pongs(3), 1000).length).toBe(3);
      expect(protocol.receive(pongs(1), 1999)).toMatchObject(failure("WS_ERR_TOO_MANY_CONTROL_FRAMES", 1008));
    }
  });
});
