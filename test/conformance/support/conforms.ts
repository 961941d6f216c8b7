// Checks Protocol against a stream: in both roles, on both cores, through each way of receiving, and however the stream
// is cut.
//
// The endpoint is an echo server or client, as in the public conformance suites. The expected output follows from the
// expected input: the echo of each message, a Pong for each Ping, and a Close for a Close or a failure.

import { expect } from "vitest";
import {
  type MessageSink,
  Protocol,
  type ProtocolOptions,
  type Role,
  WebSocketError,
  type WebSocketErrorCode,
} from "../../../src/index.ts";
import { ReferenceDecoder } from "../../reference/decoder.ts";
import { concat, type RawFrame } from "../../reference/serialize.ts";
import { chunkings, close, MASK_KEY, ping, text, toEndpoint, toHex, utf8 } from "./frames.ts";

/** An event as a row. Bytes are hexadecimal digits, so that a failing test prints them readably. */
export type Seen = readonly (string | number | boolean)[];

/** The broken rule, and the byte that breaks it. */
export interface Fault {
  readonly code: WebSocketErrorCode;
  /** The code of the Close that is sent. */
  readonly closeCode: number;
  /** The index of the frame. */
  readonly frame: number;
  /** The index of the byte in the header, if it is there. */
  readonly header?: number;
  /** The index of the byte in the payload, if it is there. */
  readonly payload?: number;
  /** Whether the byte at this index is the first missing one. */
  readonly missing?: boolean;
  /** Whether the fault is only reported once the whole header has arrived. */
  readonly wholeHeader?: boolean;
}

export interface Expected {
  /** The delivered events, including pings and pongs, without the end of the connection. */
  readonly events?: readonly Seen[];
  /** The delivered Close. Without it and without a fault, the connection stays open. */
  readonly close?: readonly [code: number, reason: string];
  readonly fault?: Fault;
}

export interface Subject {
  readonly role: Role;
  readonly core: "wasm" | "portable";
}

export const SUBJECTS: readonly Subject[] = (["server", "client"] as const).flatMap((role) =>
  (["wasm", "portable"] as const).map((core) => ({ role, core })),
);

/**
 * Compares ten times as fast as a matcher, which matters for a hundred thousand runs. Matchers only print differences.
 */
function assertSame(actual: unknown, expected: unknown, label: string): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) expect(actual, label).toEqual(expected);
}

function assertRefused(sent: boolean, label: string): void {
  if (sent) throw new Error(`${label}: not refused`);
}

/** The ways to receive; "pieces" is push() with the option `fragments`. */
const WAYS = ["push", "receive", "commit", "pieces"] as const;
type Way = (typeof WAYS)[number];

/** A sink that echoes messages and records events. */
class Echo implements MessageSink {
  readonly seen: Seen[] = [];
  /** `error.byteOffset` of the error event. */
  errorOffset: number | undefined;
  #text: string[] = [];
  #bytes: Uint8Array[] = [];
  #kind: "text" | "binary" | undefined;
  readonly #protocol: Protocol;
  readonly #echo: boolean;

  constructor(protocol: Protocol, echo: boolean) {
    this.#protocol = protocol;
    this.#echo = echo;
  }

  text(data: string): void {
    this.seen.push(["text", data]);
    if (this.#echo) this.#protocol.send(data);
  }

  binary(data: Uint8Array): void {
    this.seen.push(["binary", toHex(data)]);
    if (this.#echo) this.#protocol.send(Uint8Array.from(data));
  }

  start(kind: "text" | "binary"): void {
    assertSame(this.#kind, undefined, "A message starts inside another");
    this.#kind = kind;
    this.#text = [];
    this.#bytes = [];
  }

  piece(data: string | Uint8Array): void {
    assertSame(data.length > 0, true, "A piece is empty");
    assertSame(typeof data, this.#kind === "text" ? "string" : "object", "A piece has the wrong type for its message");
    if (typeof data === "string") this.#text.push(data);
    else this.#bytes.push(data);
  }

  end(): void {
    const kind = this.#kind;
    this.#kind = undefined;
    if (kind === "text") this.text(this.#text.join(""));
    else this.binary(concat(this.#bytes));
  }

  ping(data: Uint8Array): void {
    this.seen.push(["ping", toHex(data)]);
  }

  pong(data: Uint8Array): void {
    this.seen.push(["pong", toHex(data)]);
  }

  error(error: WebSocketError): void {
    assertSame(error instanceof WebSocketError, true, "An error is a WebSocketError");
    this.seen.push(["error", error.code, error.closeCode, error.byteOffset]);
    this.errorOffset = error.byteOffset;
  }

  close(code: number, reason: string, wasClean: boolean): void {
    this.seen.push(["close", code, reason, wasClean]);
  }
}

/** The frames that an endpoint sent, as rows. A separate decoder checks them. */
function sentFrames(role: Role, bytes: Uint8Array): Seen[] {
  const decoder = new ReferenceDecoder({ server: role === "client" });
  decoder.push(bytes);
  if (decoder.error) throw new Error(`The endpoint sent something wrong: ${decoder.error.code}`);
  if (decoder.current) throw new Error("The endpoint sent an incomplete frame");
  const last = decoder.frames.at(-1);
  assertSame(last ? last.payloadOffset + last.payloadLength : 0, bytes.length, "Bytes after the last frame sent");
  return decoder.frames.map(({ fin, rsv, opcode, payload }) => {
    assertSame([fin, rsv], [true, 0], "FIN and RSV of a sent frame");
    const data = Uint8Array.from(payload);
    if (opcode !== 8) return [opcode, toHex(data)];
    return data.length === 0 ? [8] : [8, data[0]! * 256 + data[1]!];
  });
}

/** The frames that must be sent in answer to the events. */
function answers(events: readonly Seen[]): Seen[] {
  const out: Seen[] = [];
  for (const [type, data, closeCode] of events) {
    if (type === "text") out.push([1, toHex(utf8(data as string))]);
    else if (type === "binary") out.push([2, data!]);
    else if (type === "ping") out.push([10, data!]);
    else if (type === "error") out.push([8, closeCode!]);
    else if (type === "close" && data === 1005) out.push([8]);
    else if (type === "close" && data !== 1006) out.push([8, data!]);
  }
  return out;
}

function controlFirst(frames: readonly Seen[]): Seen[] {
  const isControl = ([opcode]: Seen): boolean => Number(opcode) >= 8;
  return [...frames.filter(isControl), ...frames.filter((row) => !isControl(row))];
}

interface Stream {
  readonly bytes: Uint8Array;
  /** The end of each frame. */
  readonly ends: readonly number[];
}

function streamOf(role: Role, frames: readonly RawFrame[]): Stream {
  const parts = frames.map((item) => toEndpoint(role, item));
  let at = 0;
  return { bytes: concat(parts), ends: parts.map((part) => (at += part.length)) };
}

/** The offset of a faulty byte in the stream. */
function offsetOf(fault: Fault, role: Role, frames: readonly RawFrame[], { ends }: Stream): number {
  const start = fault.frame === 0 ? 0 : ends[fault.frame - 1]!;
  if (fault.header !== undefined) return start + fault.header;
  const raw = frames[fault.frame]!;
  // If the frame claims more than it carries, its header is as long as if everything were there.
  return start + toEndpoint(role, raw).length - (raw.payload?.length ?? 0) + fault.payload!;
}

/** The number of bytes, starting at the faulty one, that must arrive before the fault can be detected. */
function bytesFrom(fault: Fault, role: Role, frames: readonly RawFrame[]): number {
  if (fault.missing) return 0;
  if (!fault.wholeHeader) return 1;
  const raw = frames[fault.frame]!;
  return toEndpoint(role, raw).length - (raw.payload?.length ?? 0);
}

function feed(protocol: Protocol, way: Way, sink: Echo, chunk: Uint8Array): void {
  if (way === "receive") {
    for (const event of protocol.receive(chunk)) {
      if (event.type === "close") sink.close(event.code, event.reason, event.wasClean);
      else if (event.type === "error") sink.error(event.error);
      else if (event.type === "text") sink.text(event.data);
      else if (event.type === "binary") sink.binary(event.data);
      else if (event.type === "ping") sink.ping(event.data);
      else if (event.type === "pong") sink.pong(event.data);
      else throw new Error(`An event of type ${event.type}`);
    }
  } else if (way === "commit") {
    for (let at = 0; at < chunk.length && protocol.state !== "closed";) {
      const landing = protocol.reserve();
      const part = chunk.subarray(at, at + landing.length);
      landing.set(part);
      protocol.commit(part.length, sink);
      at += part.length;
    }
  } else {
    protocol.push(chunk, sink);
  }
}

export interface Run extends Subject {
  readonly way: Way;
}

/**
 * Sends the frames to an endpoint in all ways, and compares what it delivers and sends with what is expected. A
 * connection that stays open must then close cleanly; one that does not must ignore all input and send nothing more.
 */
export function conforms(
  frames: readonly RawFrame[],
  expected: Expected,
  options: Partial<Omit<ProtocolOptions, "role" | "core">> = {},
  onlyRole?: Role,
): void {
  for (const subject of SUBJECTS) {
    if (onlyRole !== undefined && subject.role !== onlyRole) continue;
    const stays = expected.close === undefined && expected.fault === undefined;
    const all = stays ? [...frames, close(1000, "bye")] : frames;
    const stream = streamOf(subject.role, all);
    const fault = expected.fault;
    const offset = fault && offsetOf(fault, subject.role, all, stream);
    const ending: Seen[] =
      fault === undefined
        ? [["close", ...(expected.close ?? [1000, "bye"]), true]]
        : [
            ["error", fault.code, fault.closeCode, offset!],
            ["close", 1006, "", false],
          ];
    const events = [...(expected.events ?? []), ...ending];
    const needed = fault && offset! + bytesFrom(fault, subject.role, all);
    for (const chunking of chunkings(stream.bytes.length, stream.ends)) {
      const chunks = chunking.cut(stream.bytes);
      for (const way of WAYS) {
        const label = `${subject.role}, ${subject.core}, ${way}, ${chunking.name}`;
        runOnce({ ...subject, way }, chunks, events, options, label, offset, needed);
      }
    }
  }
}

function runOnce(
  { role, core, way }: Run,
  chunks: readonly Uint8Array[],
  events: readonly Seen[],
  options: Partial<Omit<ProtocolOptions, "role" | "core">>,
  label: string,
  offset: number | undefined,
  needed: number | undefined,
): void {
  const protocol = new Protocol({
    ...options,
    role,
    core,
    fragments: way === "pieces",
    maskKey: Uint8Array.from(MASK_KEY),
  });
  // With a list of events, the connection may have failed before the first echo, so there are no echoes.
  const echo = way !== "receive" || offset === undefined;
  const sink = new Echo(protocol, echo);
  const sent: Uint8Array[] = [];
  let fed = 0;
  for (const chunk of chunks) {
    const before = fed;
    fed += chunk.length;
    const wasOpen = sink.errorOffset === undefined;
    feed(protocol, way, sink, chunk.slice());
    sent.push(...protocol.take().map((part) => part.slice()));
    if (wasOpen && sink.errorOffset !== undefined) {
      // The error must be reported at exactly this byte.
      assertSame(before < needed! && needed! <= fed, true, `${label}: failed between bytes ${before} and ${fed}`);
      assertSame(protocol.error?.byteOffset, offset, label);
    }
  }
  assertSame(sink.seen, events, label);
  assertSame(protocol.state, "closed", label);
  const answered = answers(events).filter(([opcode]) => echo || Number(opcode) >= 8);
  const wire = sentFrames(role, concat(sent));
  // Pongs are queued while the list is made, and echoes after that.
  if (way === "receive") assertSame(controlFirst(wire), controlFirst(answered), label);
  else assertSame(wire, answered, label);
  assertSame(wire.at(-1)?.[0], 8, label);

  // From here on, input is ignored and nothing is sent.
  for (const late of [text("late"), ping("late"), close(1001)]) feed(protocol, way, sink, toEndpoint(role, late));
  assertSame(protocol.receiveEnd(), [], label);
  protocol.close(1000);
  assertRefused(protocol.send("late"), label);
  assertRefused(protocol.ping(), label);
  assertSame(sink.seen.length, events.length, label);
  assertSame(protocol.take(), [], label);
}
