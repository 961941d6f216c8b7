// The interface of all decoders under comparison, and the common form of their results.

import { ReferenceDecoder } from "../decoder.ts";

export type Role = "server" | "client";

/** A stream in chunks, and the role of its reader. A server reads what a client sends. */
export interface Input {
  readonly role: Role;
  readonly chunks: readonly Uint8Array[];
}

/** How a stream failed. */
export interface FoundError {
  /** The code that the decoder would send in its Close, or undefined if it does not say. */
  readonly closeCode: number | undefined;
  /** The number of bytes that the decoder had received when it failed. */
  readonly after: number;
  /** The decoder's own name for the error, if it is one of ws's. */
  readonly code?: string | undefined;
}

/** The result of a decoder for a stream. */
export interface Found {
  /**
   * Messages and control frames in the order in which they were completed: "text:6869", "ping:", "close:1000:627965",
   * with payloads in hexadecimal. A Close without a code is "close:none:", and a Close with a single byte is
   * "close:short:".
   */
  readonly events: readonly string[];
  readonly error?: FoundError | undefined;
}

/** A decoder that can be run on any stream. */
export interface Peer {
  /** The name in the table of differences. */
  readonly name: string;
  /** The version in its package. */
  readonly version: string;
  readonly roles: readonly Role[];
  /** The results, in the order of the inputs. */
  run(inputs: readonly Input[]): Promise<Found[]>;
  /** Stops everything that the decoder has started, such as processes. */
  stop?(): void;
}

export const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");

export function closeEvent(payload: Uint8Array): string {
  if (payload.length === 0) return "close:none:";
  if (payload.length === 1) return "close:short:";
  return `close:${payload[0]! * 256 + payload[1]!}:${hex(payload.subarray(2))}`;
}

/** Turns frames into events, for decoders without messages. */
export class FrameEvents {
  readonly events: string[] = [];
  #type = "";
  #parts: string[] = [];

  add(opcode: number, fin: boolean, payload: Uint8Array): void {
    if (opcode === 8) this.events.push(closeEvent(payload));
    else if (opcode === 9) this.events.push(`ping:${hex(payload)}`);
    else if (opcode === 10) this.events.push(`pong:${hex(payload)}`);
    else {
      if (opcode !== 0) [this.#type, this.#parts] = [opcode === 1 ? "text" : "binary", []];
      this.#parts.push(hex(payload));
      if (fin) this.events.push(`${this.#type}:${this.#parts.join("")}`);
    }
  }
}

/** The events in the output of a decoder, as the other role reads it. */
export function writtenEvents(writer: Role, bytes: Uint8Array): string[] {
  const decoder = new ReferenceDecoder({ server: writer === "client", allowInvalidClose: true });
  decoder.push(bytes);
  const frames = new FrameEvents();
  for (const { opcode, fin, payload } of decoder.frames) frames.add(opcode, fin, Uint8Array.from(payload));
  return frames.events;
}

/** The code of the Close in the output of a decoder. */
export function writtenCloseCode(writer: Role, bytes: Uint8Array): number | undefined {
  const close = writtenEvents(writer, bytes).find((event) => event.startsWith("close:"));
  return close === undefined ? undefined : Number(close.split(":")[1]);
}

export const lengthOf = (chunks: readonly Uint8Array[]): number => chunks.reduce((sum, { length }) => sum + length, 0);
