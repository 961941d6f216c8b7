// The expected results of the programs, computed from the captures' expected.json and Node's own digests, without
// wsframe.

import { createHash } from "node:crypto";
import { expect } from "vitest";
import { type Direction, type ExpectedMessage, readCaptures } from "../support/captures.ts";
import { makeMessages } from "./programs/messages.mjs";

const sha256 = (bytes: Uint8Array | string): string => createHash("sha256").update(bytes).digest("hex");

/** The abilities of a runtime that affect the report. */
export interface Abilities {
  readonly core: "wasm" | "portable";
  /** Whether it can compress, with the WASM core or zlib. */
  readonly deflates: boolean;
  readonly withCaptures?: boolean;
}

const MESSAGES = makeMessages();

/** The digest of the echoed messages, made like `digestOf()`. */
export const ECHO: string = sha256(
  MESSAGES.map((message) => `${typeof message === "string" ? "text" : "binary"} ${sha256(message)}`).join("\n"),
);
/** The number of messages. */
const COUNT = MESSAGES.length;

/**
 * The result of programs/exchange.mjs with an echo server. wsframe answers a Close with its code, ws also with its
 * reason.
 */
const streamed = (reason: string, extensions = "") => ({
  echoed: ECHO,
  extensions,
  closed: { closeCode: 4000, reason },
});

/** The results of the client cases in programs/stream-cases.mjs. */
export const STREAM_CLIENT = {
  "a server of ws": streamed("enough"),
  "a server of wsframe/node": streamed(""),
  "a server that closes": { messages: ["bye"], closed: { closeCode: 4001, reason: "later" } },
};

/** The same with compression. */
export const STREAM_COMPRESSED = { "a server of ws, compressed": streamed("enough", "permessage-deflate") };

/** The results of all cases, on runtimes that have compression and can listen. */
export const STREAM_BOTH = {
  ...STREAM_CLIENT,
  ...STREAM_COMPRESSED,
  "a client of ws": {
    echoed: ECHO,
    extensions: "permessage-deflate",
    closed: [3001, ""],
    server: { closeCode: 3001, reason: "done" },
  },
  "both ends": { ...streamed(""), server: { closeCode: 4000, reason: "enough" } },
};

/** The results of programs/sockets.mjs. Only Node's sockets pass data that they have read to their own push(). */
export function expectedSockets({ directReads }: { directReads: boolean }): Record<string, unknown> {
  const exchanged = (extensions = "") => ({ echoed: ECHO, extensions, closed: [4000, "", true] });
  return {
    echo: exchanged(),
    "echo, with and without direct reads and writes": [
      { ...exchanged(), direct: directReads },
      { ...exchanged(), direct: false },
    ],
    "echo, compressed": exchanged("permessage-deflate"),
    "echo over TLS": { ...exchanged(), version: "1.1" },
    "echo over TLS, with HTTP/2 available": { ...exchanged(), version: "1.1" },
    "echo over HTTP/2": { ...exchanged(), version: "2.0" },
    "pings, and the server's close": ["4001,,true", "4001,später,true", "ping are you there?", "pong are you there?"],
    "server.close()": [1001, "", true],
    "a client that is cut": [1006, "", false],
    "a masked frame from a server": ["WS_ERR_UNEXPECTED_MASK", [1006, "", false]],
    "unread messages": ["0", "1", "2", "3", "4"],
    "a slow reader holds back the writer": { bytes: 400 * 65_536, bounded: true },
    "an unknown path": ["HandshakeError", 404],
    "a request that is not a WebSocket": [426, "websocket", "This is a WebSocket server.\n"],
    "connection refused": "ECONNREFUSED",
    "a server of ws": { ...exchanged("permessage-deflate"), closed: [4000, "enough", true] },
    "a server of ws that closes": [[4001, "later", true], ["bye"]],
    "a client of ws": { echoed: ECHO, extensions: "permessage-deflate", closed: [3001, ""] },
    "the WebSocket of the runtime": { echoed: ECHO, extensions: "", closed: [4000, "", true] },
  };
}

/** The results of programs/ws.mjs. */
export function expectedWs(): Record<string, unknown> {
  const exchanged = (extensions = "") => ({
    echoed: ECHO,
    extensions,
    sent: COUNT,
    closed: [4000, "enough"],
  });
  return {
    echo: exchanged(),
    "echo, compressed": exchanged("permessage-deflate"),
    "a server of ws": exchanged("permessage-deflate"),
    "a client of ws": { echoed: ECHO, extensions: "permessage-deflate", closed: [3001, "done"] },
    "a stream": "grüße",
    "connection refused": ["ECONNREFUSED", 1006],
    "require() gives the same class": true,
  };
}

const captures = readCaptures();
/** Keyed by capture and role. */
const found = new Map(
  captures.flatMap((capture) =>
    capture.directions.map((direction) => [
      `${capture.name} ${direction.role}`,
      {
        capture,
        frames: digestFrames(direction),
        messages: sha256(direction.messages.map(messageLine).join("\n")),
        stream: sha256(withoutTrailing(direction)),
      },
    ]),
  ),
);

/** The expected report of programs/report.mjs. */
export function expectedReport({ core, deflates, withCaptures = true }: Abilities): Record<string, unknown> {
  const frames: Record<string, string> = {};
  const messages: Record<string, string> = {};
  for (const [name, expected] of withCaptures ? found : []) {
    for (const choice of core === "wasm" ? ["auto", "portable"] : ["auto"]) {
      for (const cut of ["recorded", "whole", "bytes", "pieces of 1021"]) {
        for (const way of ["decode", "push"]) frames[`${name} ${choice} ${way} ${cut}`] = expected.frames;
      }
      frames[`${name} ${choice} encode`] = expected.stream;
      if (expected.capture.deflate && !deflates) continue;
      messages[`${name} ${choice}`] = expected.messages;
    }
  }
  const connection = (extensions: string[]) => ({
    protocol: "chat",
    extensions,
    echoed: ECHO,
    ends: [
      ["server", "ping", "are you there?", null],
      ["server", "close", 4000, "enough"],
      ["client", "pong", "are you there?", null],
      ["client", "close", 4000, ""],
    ],
    states: ["closed", "closed"],
  });
  return {
    frames,
    messages,
    deflates,
    connection: connection([]),
    ...(deflates && { compressed: connection(["permessage-deflate"]) }),
    streams: { ...streamed(""), server: { closeCode: 4000, reason: "enough" } },
    fault: {
      name: "WebSocketError",
      message: "Text must be valid UTF-8 (RFC 6455 §8.1, byte 9)",
      code: "WS_ERR_INVALID_UTF8",
      closeCode: 1007,
      byteOffset: 9,
      frames: 2,
    },
    core: core === "wasm" ? { kind: "wasm" } : { kind: "portable", reason: expect.any(String) },
    coreOnDemand:
      core === "wasm"
        ? "object"
        : expect.objectContaining({ message: 'The WASM core cannot be compiled here: use core "auto"' }),
  };
}

/** A digest of all headers and then of all payloads, made like that of programs/report.mjs. */
function digestFrames({ frames, stream, httpLength }: Direction): string {
  const headers = frames.map(({ fin, rsv, opcode, maskKey, payloadLength, headerOffset, payloadOffset }) => [
    fin,
    rsv,
    opcode,
    maskKey,
    payloadLength,
    headerOffset,
    payloadOffset,
  ]);
  const hash = createHash("sha256").update(JSON.stringify(headers));
  for (const { maskKey, payloadLength, payloadOffset, payloadSha256 } of frames) {
    const start = payloadOffset - httpLength;
    const payload = Buffer.from(stream.subarray(start, start + payloadLength));
    const key = maskKey === null ? undefined : Buffer.from(maskKey, "hex");
    if (key) for (let i = 0; i < payload.length; i++) payload[i]! ^= key[i & 3]!;
    if (sha256(payload) !== payloadSha256)
      throw new Error(`A capture differs from its expected.json at ${payloadOffset}`);
    hash.update(payload);
  }
  return hash.digest("hex");
}

function messageLine({ type, byteLength, sha256, code, reason }: ExpectedMessage): string {
  // A Close without a code is reported as 1005 (RFC 6455 §7.1.5).
  return JSON.stringify(type === "close" ? [type, code ?? 1005, reason] : [type, byteLength, sha256]);
}

function withoutTrailing({ trailing, stream, httpLength }: Direction): Uint8Array {
  return trailing ? stream.subarray(0, trailing.offset - httpLength) : stream;
}
