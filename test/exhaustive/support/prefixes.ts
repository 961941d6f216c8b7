// A recorded connection that ends after any byte, and the events that must have arrived before its end.

import { expect } from "vitest";
import {
  type AgreedExtension,
  FrameDecoder,
  type FrameHeader,
  type FrameSink,
  type MessageSink,
  parseExtensions,
  perMessageDeflate,
  Protocol,
  type ProtocolEvent,
} from "../../../src/index.ts";
import { type ReferenceFrame, ReferenceDecoder } from "../../reference/decoder.ts";
import { type Capture, type Direction, readCaptures } from "../../support/captures.ts";
import { framesOf, openNode, turn } from "../../support/connections.ts";

interface Frame extends ReferenceFrame {
  readonly bytes: Uint8Array;
  readonly end: number;
}

type Message = Extract<ProtocolEvent, { readonly type: "text" | "binary" | "ping" | "pong" | "close" }>;

/** One direction of a recorded connection. */
export class Recording {
  readonly name: string;
  readonly stream: Uint8Array;
  readonly role: "server" | "client";
  readonly extensions: readonly AgreedExtension[];
  /** The frames of the reference decoder, including one that has only begun. */
  readonly frames: readonly Frame[];
  /** The messages of Protocol for the whole recording. protocol/captures.test.ts compares them with another decoder. */
  readonly messages: readonly Message[];
  /** Where each message ends in the stream. */
  readonly messageEnds: readonly number[];
  /** Where the Close ends; Infinity without one. */
  readonly closeEnd: number;

  constructor(capture: Capture, { role, stream: whole }: Direction, most: number) {
    const stream = whole.subarray(0, most);
    this.name = `${capture.name}, as ${role}`;
    this.stream = stream;
    this.role = role;
    const agreed = capture.extensions === null ? [] : parseExtensions(capture.extensions)!;
    this.extensions = agreed.map(({ parameters }) => ({ extension: perMessageDeflate(), parameters }));
    const reference = new ReferenceDecoder({ server: role === "server", rsv: capture.deflate ? 4 : 0 });
    reference.push(stream);
    this.frames = [...reference.frames, ...(reference.current ? [reference.current] : [])].map((frame) => ({
      ...frame,
      bytes: Uint8Array.from(frame.payload),
      end: frame.payloadOffset + frame.payloadLength,
    }));
    this.messageEnds = this.frames.filter(({ fin, end }) => fin && end <= stream.length).map(({ end }) => end);
    this.messages = this.protocol().receive(stream) as Message[];
    this.closeEnd = this.messages.at(-1)?.type === "close" ? this.messageEnds.at(-1)! : Infinity;
    expect(this.messages).toHaveLength(this.messageEnds.length);
  }

  protocol(core?: "wasm" | "portable"): Protocol {
    return new Protocol({ role: this.role, extensions: this.extensions, ...(core && { core }) });
  }

  /**
   * Every length up to `all`. After that, lengths that end in or after a header, in the middle of a payload, or after
   * it.
   */
  lengths(all: number): number[] {
    const lengths = Array.from({ length: Math.min(all, this.stream.length) + 1 }, (_, length) => length);
    for (const { headerOffset, payloadOffset, payloadLength, end } of this.frames) {
      const middle = payloadOffset + (payloadLength >> 1);
      for (let at = headerOffset + 1; at <= payloadOffset; at++) if (at > all) lengths.push(at);
      for (const at of new Set([middle, end])) if (at > all && at > payloadOffset) lengths.push(at);
    }
    return lengths;
  }
}

/** All recordings, or the first `most` bytes of each. */
export function recordings(most: number = Infinity): readonly Recording[] {
  return readCaptures().flatMap((capture) => capture.directions.map((each) => new Recording(capture, each, most)));
}

/** Compares frames with a recording, and counts them. */
class FrameCheck implements FrameSink {
  readonly #recording: Recording;
  count = 0;
  /** The received payload bytes of the next frame; undefined before its header. */
  position: number | undefined = undefined;

  constructor(recording: Recording) {
    this.#recording = recording;
  }

  header(header: FrameHeader): void {
    if (this.position !== undefined) throw new Error("A header inside a frame");
    assertHeader(this.#recording.frames[this.count], header);
    this.position = 0;
  }

  payload(window: Uint8Array, start: number, end: number): void {
    const { bytes } = this.#recording.frames[this.count]!;
    const until = this.position! + end - start;
    if (!same(window.subarray(start, end), bytes.subarray(this.position, until))) throw new Error("Wrong payload");
    this.position = until;
  }

  end(): void {
    if (this.position !== this.#recording.frames[this.count]!.payloadLength) throw new Error("An end too early");
    this.count++;
    this.position = undefined;
  }

  /** Throws unless it has seen exactly the frames in a stream of `length` bytes. */
  assertAt(length: number): void {
    const { frames } = this.#recording;
    const next = frames[this.count];
    const whole = this.count === 0 || frames[this.count - 1]!.end <= length;
    const begun = next !== undefined && next.payloadOffset <= length;
    const position = begun ? length - next.payloadOffset : undefined;
    if (!whole || (next !== undefined && next.end <= length) || this.position !== position) {
      throw new Error(`${this.count} frames and ${this.position} bytes, after ${length}`);
    }
  }
}

type HeaderFields = Pick<
  ReferenceFrame,
  "fin" | "rsv" | "opcode" | "payloadLength" | "headerOffset" | "payloadOffset"
> & { readonly maskKey: ArrayLike<number> | undefined };

function assertHeader(expected: HeaderFields | undefined, found: HeaderFields): void {
  const fields = ["fin", "rsv", "opcode", "payloadLength", "headerOffset", "payloadOffset"] as const;
  if (
    expected === undefined ||
    fields.some((field) => found[field] !== expected[field]) ||
    String(found.maskKey && Array.from(found.maskKey)) !== String(expected.maskKey)
  ) {
    throw new Error("Wrong frame");
  }
}

function same(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && Buffer.compare(a, b) === 0;
}

function label<T>(recording: Recording, length: number, run: () => T): T {
  try {
    return run();
  } catch (error) {
    throw new Error(`${recording.name}, the first ${length} bytes`, { cause: error });
  }
}

/** Checks push() of a decoder, in one chunk. */
export function checkPush(recording: Recording, core: "wasm" | "portable", length: number): void {
  label(recording, length, () => {
    const { role, stream, extensions } = recording;
    const decoder = new FrameDecoder({ role, core, rsv: extensions.length > 0 ? 4 : 0 });
    const check = new FrameCheck(recording);
    decoder.push(stream.subarray(0, length), check);
    check.assertAt(length);
    if (decoder.closed !== length >= recording.closeEnd) throw new Error("The Close was missed or came too early");
    if (decoder.bytesDecoded !== Math.min(length, recording.closeEnd)) throw new Error("bytesDecoded");
  });
}

/** Checks decode(), in one chunk. */
export function checkDecode(recording: Recording, core: "wasm" | "portable", length: number): void {
  label(recording, length, () => {
    const { role, stream, extensions, frames } = recording;
    const decoder = new FrameDecoder({ role, core, rsv: extensions.length > 0 ? 4 : 0 });
    const found = decoder.decode(stream.slice(0, length));
    found.forEach((frame, i) => {
      assertHeader(frames[i], frame);
      if (!same(frame.payload, frames[i]!.bytes)) throw new Error("Wrong payload");
    });
    const next = frames[found.length];
    if (next !== undefined && next.end <= length) throw new Error("A frame is missing");
    if (decoder.closed !== length >= recording.closeEnd) throw new Error("The Close was missed or came too early");
  });
}

/** Checks every length at once: byte by byte, with a check after each. */
export function checkByteByByte(recording: Recording, core: "wasm" | "portable", until: number): void {
  const { role, stream, extensions } = recording;
  const decoder = new FrameDecoder({ role, core, rsv: extensions.length > 0 ? 4 : 0 });
  const check = new FrameCheck(recording);
  for (let length = 1; length <= Math.min(until, stream.length); length++) {
    label(recording, length, () => {
      decoder.push(stream.subarray(length - 1, length), check);
      check.assertAt(length);
    });
  }
}

/** Compares messages with a recording. */
class MessageCheck implements MessageSink {
  readonly #recording: Recording;
  count = 0;
  closes: string[] = [];

  constructor(recording: Recording) {
    this.#recording = recording;
  }

  text(data: string): void {
    const { type, data: expected } = this.#next("text");
    if (type !== "text" || data !== expected) throw new Error("Wrong text");
  }

  binary(data: Uint8Array): void {
    this.#bytes("binary", data);
  }

  ping(data: Uint8Array): void {
    this.#bytes("ping", data);
  }

  pong(data: Uint8Array): void {
    this.#bytes("pong", data);
  }

  error(error: Error): void {
    throw error;
  }

  close(code: number, reason: string, wasClean: boolean): void {
    this.closes.push(`${code} ${reason} ${wasClean}`);
  }

  #bytes(kind: "binary" | "ping" | "pong", data: Uint8Array): void {
    if (!same(data, this.#next(kind).data as Uint8Array)) throw new Error(`Wrong ${kind}`);
  }

  #next(kind: Message["type"]): Exclude<Message, { readonly type: "close" }> {
    const message = this.#recording.messages[this.count++];
    if (message === undefined || message.type === "close" || message.type !== kind) throw new Error("Wrong message");
    return message;
  }

  /** Throws unless exactly the messages in a stream of `length` bytes and its end have arrived. */
  assertEnded(length: number): void {
    const { messages, messageEnds, closeEnd } = this.#recording;
    const isClosed = length >= closeEnd;
    const count = this.count + (isClosed ? 1 : 0);
    if (count > 0 && messageEnds[count - 1]! > length) throw new Error("There is a message too many");
    if (count < messages.length && messageEnds[count]! <= length) throw new Error("A message is missing");
    const last = messages.at(-1);
    const expected = isClosed && last?.type === "close" ? `${last.code} ${last.reason} true` : "1006  false";
    if (this.closes.join() !== expected) throw new Error(`closed with ${this.closes.join()}`);
  }
}

/** Checks Protocol: the messages and the end. */
export function checkProtocol(recording: Recording, core: "wasm" | "portable", length: number): void {
  label(recording, length, () => {
    const protocol = recording.protocol(core);
    const check = new MessageCheck(recording);
    protocol.push(recording.stream.subarray(0, length), check);
    const before: string = protocol.state;
    if (before !== (length >= recording.closeEnd ? "closing" : "open")) throw new Error(before);
    protocol.pushEnd(check);
    check.assertEnded(length);
    protocol.take();
    if (protocol.state !== "closed" || protocol.streamEnd !== "send") throw new Error(protocol.state);
    if (protocol.receiveEnd().length > 0) throw new Error("There is a second end");
  });
}

/** The number of connections that share turns of the event loop. */
const TOGETHER = 128;

/** Checks Connections of Node whose peer ends its side after each of these lengths. */
export async function checkNode(recording: Recording, lengths: readonly number[]): Promise<void> {
  for (let at = 0; at < lengths.length; at += TOGETHER) {
    await Promise.all(lengths.slice(at, at + TOGETHER).map((length) => checkNodeOnce(recording, length)));
  }
}

async function checkNodeOnce(recording: Recording, length: number): Promise<void> {
  const { connection, peer } = openNode(
    recording.role,
    { limits: { maxControlFrames: Infinity } },
    recording.extensions,
  );
  const check = new MessageCheck(recording);
  let failure: unknown;
  const attempt = (run: () => void): void => {
    try {
      run();
    } catch (error) {
      failure ??= error;
    }
  };
  connection.on("message", (data) => attempt(() => (typeof data === "string" ? check.text(data) : check.binary(data))));
  connection.on("ping", (data) => attempt(() => check.ping(data)));
  connection.on("pong", (data) => attempt(() => check.pong(data)));
  connection.on("error", (error) => attempt(() => check.error(error)));
  connection.on("close", (code, reason, wasClean) => check.close(code, reason, wasClean));
  await turn();
  peer.writeBytes(recording.stream.subarray(0, length));
  peer.end();
  await connection.closed;
  await turn();
  label(recording, length, () => {
    if (failure !== undefined) throw failure;
    check.assertEnded(length);
    // The connection must have sent its Pongs and its Close.
    const pings = recording.frames.filter(({ opcode, end }) => opcode === 9 && end <= length).length;
    const written = framesOf(recording.role, peer.written);
    if (written.length !== pings + (length >= recording.closeEnd ? 1 : 0)) throw new Error(`wrote ${written.join()}`);
  });
}
