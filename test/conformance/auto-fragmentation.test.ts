// Automatic fragmentation of messages (RFC 6455 §5.4).

import { describe, expect, test } from "vitest";
import { Protocol } from "../../src/index.ts";
import { concat } from "../reference/serialize.ts";
import { conforms, SUBJECTS } from "./support/conforms.ts";
import { binaryOf, echoes, textOf } from "./support/echo.ts";
import { binary, fragmented, fromEndpoint, MASK_KEY, text, toHex } from "./support/frames.ts";

const KIB = 1024;
const SIZES = [64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, 1024 * KIB] as const;

describe("received", () => {
  test("10.1.1: text of 65,536 bytes in fragments of 1,300 bytes is one message", () => {
    const payload = textOf(65_536);
    conforms(fragmented(1, payload, 1300), { events: [["text", Buffer.from(payload).toString()]] });
  });

  test("binary of 65,536 bytes in fragments of 1,300 bytes is one message", () => {
    const payload = binaryOf(65_536);
    conforms(fragmented(2, payload, 1300), { events: [["binary", toHex(payload)]] });
  });
});

describe("sent", () => {
  test("10.1.1: text of 65,536 bytes in frames of 1,300 bytes: text, continuations, FIN on the last", () => {
    const payload = textOf(65_536);
    const expected = fragmented(1, payload, 1300);
    expect(expected.length).toBe(51);
    for (const subject of SUBJECTS) echoes(subject, [text(payload)], expected, Infinity, { fragmentSize: 1300 });
  });

  for (const size of SIZES) {
    test(`2 MiB and a byte in frames of ${size.toLocaleString("en")} bytes, text and binary, each way`, () => {
      const length = 2 * KIB * KIB + 1;
      for (const subject of SUBJECTS) {
        if (subject.core === "portable" && size !== KIB) continue;
        const mixed = textOf(length, "mixed");
        echoes(subject, fragmented(1, mixed, size), fragmented(1, mixed, size), 64 * KIB, { fragmentSize: size });
        const bytes = binaryOf(length);
        echoes(subject, fragmented(2, bytes, size), fragmented(2, bytes, size), 64 * KIB, { fragmentSize: size });
      }
    });
  }

  test("messages of one and two fragments, and one byte less or more", () => {
    for (const subject of SUBJECTS) {
      for (const size of [1, 2, 125, 126, 1300, 65_535, 65_536]) {
        for (const length of [0, size - 1, size, size + 1, 2 * size, 2 * size + 1]) {
          const bytes = binaryOf(length);
          const expected = length === 0 ? [binary()] : fragmented(2, bytes, size);
          echoes(subject, [binary(bytes)], expected, Infinity, { fragmentSize: size });
        }
      }
    }
  });

  test("fragmentSize of a message overrides that of the connection", () => {
    for (const { role, core } of SUBJECTS) {
      const protocol = new Protocol({ role, core, fragmentSize: 10, maskKey: Uint8Array.from(MASK_KEY) });
      const payload = textOf(25);
      protocol.send(payload, { fragmentSize: 20 });
      protocol.send(payload, { fragmentSize: Infinity });
      protocol.send(payload);
      const frames = [...fragmented(2, payload, 20), binary(payload), ...fragmented(2, payload, 10)];
      expect(concat(protocol.take())).toEqual(concat(frames.map((item) => fromEndpoint(role, item))));
    }
  });

  test("both ends: messages in fragments of 64 bytes to 1 MiB arrive unchanged", () => {
    for (const size of SIZES) {
      const sender = new Protocol({ role: "client", fragmentSize: size });
      const receiver = new Protocol({ role: "server" });
      const message = "aé€𝄞".repeat(20_000);
      sender.send(message);
      const events = sender.take().flatMap((part) => receiver.receive(part));
      expect(events.length === 1 && events[0]!.type === "text" && events[0]!.data === message).toBe(true);
    }
  });
});
