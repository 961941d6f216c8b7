// Connections of src/node and src/streams in memory, with a test as their peer. They are made in the same way as
// upgrade(), connect() and openWebSocketStream() make them, and can be made by the thousand.

import { Duplex } from "node:stream";
import { type AgreedExtension, FrameDecoder, type Role } from "../../src/index.ts";
import { Connection } from "../../src/node/connection.ts";
import type { ConnectionOptions } from "../../src/node/options.ts";
import { openWebSocketStream, type WebSocketStreamPair } from "../../src/streams/index.ts";
import { other, toRole } from "./wire.ts";
import { type RawFrame } from "../reference/serialize.ts";

/** Waits for a turn of the event loop, including everything that is due in it. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** What a test can do as the peer of a connection. */
export interface Peer {
  /** Everything that the connection has written. */
  readonly written: Uint8Array[];
  write(...frames: RawFrame[]): void;
  writeBytes(bytes: Uint8Array): void;
  /** Ends the peer's side. */
  end(): void;
  reset(): void;
}

/** The frames written by a connection of `role`, in short form: "text:a", "close:1000:bye". */
export function framesOf(role: Role, written: readonly Uint8Array[]): string[] {
  const decoder = new FrameDecoder({ role: other(role), allowInvalidClose: true });
  return decoder.decode(Buffer.concat(written)).map(({ opcode, payload }) => {
    const bytes = Buffer.from(payload);
    if (opcode !== 8) return `${opcode === 1 ? "text" : `opcode ${opcode}`}:${bytes.toString()}`;
    return bytes.length === 0 ? "close" : `close:${bytes.readUInt16BE(0)}:${bytes.toString("utf8", 2)}`;
  });
}

export interface NodeEnd {
  readonly connection: Connection;
  readonly peer: Peer;
}

/** When a stream completes a write: in the same call, or in a later turn, like a full socket. */
export type Writing = "at once" | "later";

/** A connection that is open immediately and starts reading in the next tick. */
export function openNode(
  role: Role,
  options: ConnectionOptions = {},
  extensions: readonly AgreedExtension[] = [],
  writing: Writing = "at once",
): NodeEnd {
  const written: Uint8Array[] = [];
  const socket = new Duplex({
    read() {},
    write(chunk: Uint8Array, _encoding, callback) {
      written.push(Uint8Array.from(chunk));
      if (writing === "at once") callback();
      else setImmediate(callback);
    },
  });
  const connection = new Connection(socket, role, { protocol: "", extensions }, new Uint8Array(0), options);
  const writeBytes = (bytes: Uint8Array): void => void (socket.destroyed || socket.push(Buffer.from(bytes)));
  const peer: Peer = {
    written,
    write: (...frames) => writeBytes(toRole(role, ...frames)),
    writeBytes,
    end: () => void (socket.destroyed || socket.push(null)),
    reset: () => void socket.destroy(Object.assign(new Error("read ECONNRESET"), { code: "ECONNRESET" })),
  };
  return { connection, peer };
}

export interface StreamsEnd {
  readonly pair: WebSocketStreamPair;
  readonly peer: Peer;
}

export function openStreams(role: Role): StreamsEnd {
  const written: Uint8Array[] = [];
  let source!: ReadableStreamDefaultController<Uint8Array>;
  let target!: WritableStreamDefaultController;
  let over = false;
  const readable = new ReadableStream<Uint8Array>({
    start: (controller) => void (source = controller),
    cancel: () => void (over = true),
  });
  const writable = new WritableStream<Uint8Array>({
    start: (controller) => void (target = controller),
    write: (chunk) => void written.push(Uint8Array.from(chunk)),
  });
  const pair = openWebSocketStream({ readable, writable }, { role });
  const unlessOver =
    <T extends unknown[]>(act: (...args: T) => void) =>
    (...args: T): void => {
      if (!over) act(...args);
    };
  const peer: Peer = {
    written,
    write: unlessOver((...frames: RawFrame[]) => source.enqueue(toRole(role, ...frames))),
    writeBytes: unlessOver((bytes: Uint8Array) => source.enqueue(Uint8Array.from(bytes))),
    end: unlessOver(() => {
      over = true;
      source.close();
    }),
    reset: unlessOver(() => {
      over = true;
      const error = new Error("reset");
      source.error(error);
      target.error(error);
    }),
  };
  return { pair, peer };
}
