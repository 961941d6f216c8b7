// What every decoder is asked, and the one form in which each answers.

import { ReferenceDecoder } from "../decoder.ts";

export type Role = "server" | "client";

/** A stream as it arrives, and who reads it: a server reads what a client sends. */
export interface Input {
  readonly role: Role;
  readonly chunks: readonly Uint8Array[];
}

/** How a stream failed. */
export interface FoundError {
  /** What the decoder would send in its Close; undefined where it does not tell. */
  readonly closeCode: number | undefined;
  /** How many bytes it had been given by then. */
  readonly after: number;
  /** The decoder's own name for the error, if it is one of ws's. */
  readonly code?: string | undefined;
}

/** What a decoder found in a stream. */
export interface Found {
  /**
   * Messages and control frames in the order in which they were complete: "text:6869", "ping:", "close:1000:627965", payloads
   * in hexadecimal. A Close without a code is "close:none:", one of a single byte "close:short:".
   */
  readonly events: readonly string[];
  readonly error?: FoundError | undefined;
}

/** A decoder that can be run on any stream. */
export interface Peer {
  /** As in the table of differences. */
  readonly name: string;
  /** As in its package. */
  readonly version: string;
  readonly roles: readonly Role[];
  /** Answers in the order of the inputs. */
  run(inputs: readonly Input[]): Promise<Found[]>;
  /** Ends what it has started. */
  stop?(): void;
}

export const hex = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");

export function closeEvent(payload: Uint8Array): string {
  if (payload.length === 0) return "close:none:";
  if (payload.length === 1) return "close:short:";
  return `close:${payload[0]! * 256 + payload[1]!}:${hex(payload.subarray(2))}`;
}

/** Makes events of frames, for decoders that know no messages. */
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

/** The events in what a decoder has written, which is read by the other role. */
export function writtenEvents(writer: Role, bytes: Uint8Array): string[] {
  const decoder = new ReferenceDecoder({ server: writer === "client", allowInvalidClose: true });
  decoder.push(bytes);
  const frames = new FrameEvents();
  for (const { opcode, fin, payload } of decoder.frames) frames.add(opcode, fin, Uint8Array.from(payload));
  return frames.events;
}

/** The code of the Close in what a decoder has written. */
export function writtenCloseCode(writer: Role, bytes: Uint8Array): number | undefined {
  const close = writtenEvents(writer, bytes).find((event) => event.startsWith("close:"));
  return close === undefined ? undefined : Number(close.split(":")[1]);
}

export const lengthOf = (chunks: readonly Uint8Array[]): number => chunks.reduce((sum, { length }) => sum + length, 0);
