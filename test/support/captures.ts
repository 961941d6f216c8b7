// The recorded connections in test/fixtures/captures/, with the results of an independent decoder.

import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../fixtures/captures/", import.meta.url));

export interface ExpectedFrame {
  fin: boolean;
  rsv: number;
  opcode: number;
  masked: boolean;
  maskKey: string | null;
  payloadLength: number;
  headerOffset: number;
  payloadOffset: number;
  payloadSha256: string;
}

export interface ExpectedMessage {
  type: "text" | "binary" | "ping" | "pong" | "close";
  byteLength?: number;
  sha256?: string;
  /** Present for a text of less than 200 bytes. */
  text?: string;
  code?: number | null;
  reason?: string;
}

export interface Direction {
  /** The role of the decoder. */
  role: "server" | "client";
  /** The stream after the HTTP head. */
  stream: Uint8Array;
  httpLength: number;
  /** The chunks that the proxy read, without the HTTP head. */
  chunks: Uint8Array[];
  frames: ExpectedFrame[];
  messages: ExpectedMessage[];
  trailing: { offset: number; byteLength: number } | undefined;
}

export interface Capture {
  name: string;
  /** Whether permessage-deflate was negotiated. */
  deflate: boolean;
  /** The value of Sec-WebSocket-Extensions in the response. */
  extensions: string | null;
  subprotocol: string | null;
  directions: Direction[];
}

interface Expected {
  httpLength: number;
  frames: ExpectedFrame[];
  messages: ExpectedMessage[];
  trailing?: { offset: number; byteLength: number };
}

export function readCaptures(): Capture[] {
  return readdirSync(root).map((name) => {
    const meta = JSON.parse(readFileSync(`${root}${name}/meta.json`, "utf8")) as {
      extensions: string | null;
      subprotocol: string | null;
      chunks: ["c" | "s", number][];
    };
    const expected = JSON.parse(readFileSync(`${root}${name}/expected.json`, "utf8")) as Record<string, Expected>;
    const direction = (side: "client" | "server", mark: "c" | "s"): Direction => {
      const { httpLength, frames, messages, trailing } = expected[side]!;
      const bytes = new Uint8Array(readFileSync(`${root}${name}/${side}.bin`));
      const chunks: Uint8Array[] = [];
      let at = 0;
      for (const [from, length] of meta.chunks) {
        if (from !== mark) continue;
        const start = Math.max(at, httpLength);
        at += length;
        if (at > start) chunks.push(bytes.subarray(start, at));
      }
      return {
        role: side === "client" ? "server" : "client",
        stream: bytes.subarray(httpLength),
        httpLength,
        chunks,
        frames,
        messages,
        trailing,
      };
    };
    return {
      name,
      subprotocol: meta.subprotocol,
      extensions: meta.extensions,
      deflate: meta.extensions?.includes("permessage-deflate") ?? false,
      directions: [direction("client", "c"), direction("server", "s")],
    };
  });
}
