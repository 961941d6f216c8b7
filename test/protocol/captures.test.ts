// Runs every recorded connection through handshake and Protocol, cut in several ways. The messages must be those that an
// independent decoder found.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  acceptHandshake,
  checkResponse,
  perMessageDeflate,
  Protocol,
  type ProtocolEvent,
  RequestParser,
  ResponseParser,
} from "../../src/index.ts";
import { type ExpectedMessage, readCaptures } from "../support/captures.ts";
import { CORES } from "../support/wire.ts";

const root = fileURLToPath(new URL("../fixtures/captures/", import.meta.url));
const captures = readCaptures();

/** Longer streams consist mostly of long payloads, where one cut is like the next. */
const LONG = 200_000;

function digest(type: ExpectedMessage["type"], bytes: Uint8Array): ExpectedMessage {
  return { type, byteLength: bytes.length, sha256: createHash("sha256").update(bytes).digest("hex") };
}

function found(event: ProtocolEvent): ExpectedMessage {
  if (event.type === "close") {
    // expected.json has null for an empty Close.
    const code = event.code === 1005 ? null : event.code;
    const payload = code === null ? [] : [code >> 8, code & 255, ...Buffer.from(event.reason)];
    return { ...digest("close", Uint8Array.from(payload)), code, reason: event.reason };
  }
  if (event.type === "error" || event.type === "start" || event.type === "piece" || event.type === "end") {
    throw new Error(`Unexpected: ${JSON.stringify(event)}`);
  }
  const bytes = Buffer.from(event.data as Uint8Array);
  return { ...digest(event.type, bytes), ...(event.type === "text" ? { text: event.data } : {}) };
}

function assertMessages(events: readonly ProtocolEvent[], messages: readonly ExpectedMessage[]): void {
  expect(events.filter(({ type }) => type === "error")).toEqual([]);
  expect(events).toHaveLength(messages.length);
  events.forEach((event, i) => {
    const { text, ...expected } = messages[i]!;
    const { text: seen, ...rest } = found(event);
    expect(rest).toEqual(expected);
    if (text !== undefined) expect(seen).toBe(text);
  });
}

for (const capture of captures) {
  const clientBytes = new Uint8Array(readFileSync(`${root}${capture.name}/client.bin`));
  const serverBytes = new Uint8Array(readFileSync(`${root}${capture.name}/server.bin`));

  describe(capture.name, () => {
    const heads = () => {
      const { request, rest: fromClient } = new RequestParser().push(clientBytes)!;
      const { response, rest: fromServer } = new ResponseParser().push(serverBytes)!;
      const agreement = checkResponse(response, { ...request, extensions: [perMessageDeflate()] });
      return { request, agreement, streams: { server: fromClient, client: fromServer } };
    };

    test("both sides accept its handshake", () => {
      const { request, agreement } = heads();
      expect(agreement.extensions.map(({ extension }) => extension.name)).toEqual(
        capture.deflate ? ["permessage-deflate"] : [],
      );
      expect(agreement.protocol).toBe(capture.subprotocol ?? undefined);
      expect(acceptHandshake(request).accepted).toBe(true);
    });

    for (const direction of capture.directions) {
      for (const core of CORES) {
        const open = (options = {}) => {
          const { agreement, streams } = heads();
          expect(Buffer.compare(streams[direction.role], direction.stream)).toBe(0);
          return new Protocol({ role: direction.role, core, extensions: agreement.extensions, ...options });
        };

        test(`${direction.role}, ${core} core: in the recorded chunks`, () => {
          const protocol = open();
          const events = direction.chunks.flatMap((chunk) => {
            const now = protocol.receive(chunk);
            protocol.take();
            return now;
          });
          assertMessages(events, direction.messages);
        });

        test(`${direction.role}, ${core} core: in one chunk, and in chunks of 1, 7 and 1000`, () => {
          const { length } = direction.stream;
          const sizes = core === "wasm" && length < LONG ? [length, 1, 7, 1000] : [length, 1000];
          for (const size of sizes) {
            const protocol = open();
            const events: ProtocolEvent[] = [];
            for (let at = 0; at < direction.stream.length; at += size) {
              events.push(...protocol.receive(direction.stream.subarray(at, at + size)));
            }
            assertMessages(events, direction.messages);
          }
        });

        test(`${direction.role}, ${core} core: delivers the same bytes with fragments`, () => {
          const protocol = open({ fragments: true });
          const whole: ProtocolEvent[] = [];
          let pieces: Buffer[] = [];
          let kind: "text" | "binary" = "text";
          for (const event of protocol.receive(direction.stream)) {
            if (event.type === "start") kind = event.kind;
            else if (event.type === "piece") pieces.push(Buffer.from(event.data as Uint8Array));
            else if (event.type === "end") {
              const data = Buffer.concat(pieces);
              whole.push(kind === "text" ? { type: kind, data: data.toString() } : { type: kind, data });
              pieces = [];
            } else whole.push(event);
          }
          assertMessages(whole, direction.messages);
        });
      }
    }
  });
}
