// The inspector's tap. Compares recorded connections with the result of an independent decoder, and broken streams with the
// events of a Protocol that gets them in one piece.

import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { type AgreedExtension, type Extension, parseExtensions, Protocol, type ProtocolEvent } from "wsframe";
import { DEFLATE } from "../../src/inspector/deflate.ts";
import { EXAMPLES } from "../../src/inspector/page/examples.ts";
import type { Note, TappedFrame } from "../../src/inspector/frame.ts";
import { readHeader } from "../../src/inspector/header.ts";
import { Tap } from "../../src/inspector/tap.ts";
import { payloadOf } from "../../src/inspector/page/words.ts";
import { parseHexText } from "../../src/cli/hex.ts";
import { readCaptures } from "../support/captures.ts";
import { Random } from "../support/random.ts";

type Sender = "client" | "server";

interface Tapped {
  readonly frames: TappedFrame[];
  readonly ignored: number;
}

function tapOn(
  sender: Sender,
  chunks: readonly Uint8Array[],
  extensions: readonly (AgreedExtension | Extension)[] = [],
) {
  const frames: TappedFrame[] = [];
  const tap = new Tap({ sender, extensions, onFrame: (frame) => frames.push(frame) });
  // The tap keeps its chunks.
  for (const chunk of chunks) tap.push(chunk.slice());
  tap.end();
  return { frames, ignored: tap.ignored } satisfies Tapped;
}

function cut(bytes: Uint8Array, size: number): Uint8Array[] {
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
}

function agreed(extensions: string | null): AgreedExtension[] {
  if (extensions === null) return [];
  return parseExtensions(extensions)!.map(({ parameters }) => ({ extension: DEFLATE, parameters }));
}

function wholePayloadOf(frame: TappedFrame): Uint8Array {
  return payloadOf(frame, readHeader(frame.raw), 0, frame.raw.length);
}

const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

describe("recorded connections", () => {
  for (const { name, extensions, directions } of readCaptures()) {
    for (const { role, stream, httpLength, chunks, frames: expected, messages, trailing } of directions) {
      const sender = role === "server" ? "client" : "server";
      const ways: [string, () => Uint8Array[]][] = [
        ["as they were read", () => chunks],
        ["in one piece", () => [stream]],
        ["in pieces of 7 bytes", () => cut(stream, 7)],
      ];
      for (const [way, split] of ways) {
        // Skip large streams in tiny pieces: they take long and prove nothing more.
        if (way.includes("7") && stream.length > 100_000) continue;
        test(`${name}, from the ${sender}, ${way}`, () => {
          const { frames, ignored } = tapOn(sender, split(), agreed(extensions));
          const found = frames.map((frame) => {
            const header = readHeader(frame.raw);
            return {
              fin: header.fin,
              rsv: header.rsv,
              opcode: header.opcode,
              masked: header.masked,
              maskKey: header.maskKey ? Buffer.from(header.maskKey).toString("hex") : null,
              payloadLength: Number(header.payloadLength),
              headerOffset: httpLength + frame.offset,
              payloadOffset: httpLength + frame.offset + header.headerLength,
              payloadSha256: sha256(wholePayloadOf(frame)),
            };
          });
          expect(found).toEqual(expected);
          expect(frames.filter(({ broken }) => broken)).toEqual([]);
          expect(frames.flatMap(({ notes }) => notes).map(({ type }) => type)).toEqual(
            messages.map(({ type }) => type),
          );
          const texts = messages.filter(({ text }) => text !== undefined).map(({ text }) => text);
          const noted = frames.flatMap(({ notes }) => notes).filter((note) => note.type === "text");
          expect(noted.filter(({ text }) => Buffer.byteLength(text) < 200).map(({ text }) => text)).toEqual(texts);
          expect(ignored).toBe(trailing?.byteLength ?? 0);
        });
      }
    }
  }
});

/** Reduces events or notes to the parts that both have. */
function essence(events: readonly (ProtocolEvent | Note)[]): unknown[] {
  return events.map((event) => {
    if (event.type === "close") return ["close", event.code, event.reason];
    if (event.type !== "error") return [event.type];
    const { code, byteOffset, rule, closeCode } = "error" in event ? event.error : event;
    return ["error", code, byteOffset, rule, closeCode];
  });
}

function expectSame(sender: Sender, stream: Uint8Array, size: number): void {
  const protocol = new Protocol({ role: sender === "client" ? "server" : "client", autoPong: false });
  const events = protocol.receive(stream);
  const ended = events.some(({ type }) => type === "close");
  const { frames, ignored } = tapOn(sender, cut(stream, size));
  const notes = frames.flatMap((frame) => frame.notes);
  const incomplete = notes.some(({ type }) => type === "incomplete");
  if (incomplete) events.push(...protocol.receiveEnd());
  expect(essence(notes.filter(({ type }) => type !== "incomplete"))).toEqual(essence(events));
  // Every byte belongs to one frame, or is counted as ignored.
  let offset = 0;
  for (const frame of frames) {
    expect(frame.offset).toBe(offset);
    expect(Buffer.compare(frame.raw, stream.subarray(offset, offset + frame.size))).toBe(0);
    offset += frame.size;
  }
  expect(offset + ignored).toBe(stream.length);
  expect(frames.slice(0, -1).some(({ broken }) => broken)).toBe(false);
  if (!ended && !incomplete) expect(ignored).toBe(0);
}

describe("broken streams", () => {
  test.each(EXAMPLES)("$label, in chunks of any size", ({ hex, broken }) => {
    const stream = parseHexText(new TextEncoder().encode(hex))!;
    const sender = stream[1]! & 0x80 ? "client" : "server";
    for (let size = 1; size <= stream.length; size++) expectSame(sender, stream, size);
    expect(tapOn(sender, [stream]).frames.at(-1)!.broken).toBe(broken);
  });

  test("cause the same events as in a Protocol, with any bit flipped", () => {
    const random = new Random(6455);
    for (const { name, deflate, directions } of readCaptures()) {
      if (deflate || name.includes("sizes")) continue;
      for (const { role, stream } of directions) {
        for (let run = 0; run < 12; run++) {
          const broken = stream.slice(0, 20_000);
          broken[random.integer(0, Math.min(broken.length, 2000) - 1)]! ^= 1 << random.integer(0, 7);
          expectSame(role === "server" ? "client" : "server", broken, random.integer(1, 4000));
        }
      }
    }
  });

  test("keep the payload of a frame with a broken header", () => {
    // A reserved opcode with three bytes, and a complete frame after it.
    const stream = Uint8Array.of(0x81, 1, 0x61, 0x83, 3, 1, 2, 3, 0x81, 1, 0x62);
    const { frames, ignored } = tapOn("server", [stream]);
    expect(frames.map(({ size, broken }) => ({ size, broken }))).toEqual([
      { size: 3, broken: false },
      { size: 5, broken: true },
    ]);
    expect(ignored).toBe(3);
  });

  test("report invalid compressed data", () => {
    const { frames } = tapOn("server", [Uint8Array.of(0xc1, 3, 0xff, 0xff, 0xff)], [DEFLATE]);
    expect(frames[0]!.notes[0]).toMatchObject({ type: "error", code: "WS_ERR_INVALID_COMPRESSED_DATA" });
  });

  test("report how many bytes are missing at the end", () => {
    const missing = (...bytes: number[]) => tapOn("server", [Uint8Array.from(bytes)]).frames[0]!.notes[0];
    expect(missing(0x81)).toEqual({ type: "incomplete", missing: "at least 1", of: "header" });
    expect(missing(0x82, 126, 1)).toEqual({ type: "incomplete", missing: "1", of: "header" });
    expect(missing(0x82, 5, 1)).toEqual({ type: "incomplete", missing: "4", of: "payload" });
  });
});
