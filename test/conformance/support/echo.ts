// An echo for messages of megabytes, where a reference decoder would take too long. The output is compared with the
// exact bytes that are expected.

import { type MessageSink, Protocol, type ProtocolOptions, type WebSocketError } from "../../../src/index.ts";
import { concat, type RawFrame } from "../../reference/serialize.ts";
import type { Subject } from "./conforms.ts";
import { fromEndpoint, MASK_KEY, toEndpoint } from "./frames.ts";

class EchoOnly implements MessageSink {
  readonly protocol: Protocol;
  messages = 0;
  failure: string | undefined;

  constructor(protocol: Protocol) {
    this.protocol = protocol;
  }

  text(data: string): void {
    this.messages++;
    this.protocol.send(data);
  }

  binary(data: Uint8Array): void {
    this.messages++;
    this.protocol.send(data);
  }

  ping(): void {
    this.failure = "a ping";
  }

  pong(): void {
    this.failure = "a pong";
  }

  error(error: WebSocketError): void {
    this.failure = error.message;
  }

  close(): void {
    this.failure ??= "a close";
  }
}

/**
 * Sends messages to an endpoint in chunks of `chunkSize` bytes, which may be a function of the position. The output
 * must be exactly `replies`, each in one frame unless the options say otherwise. Throws otherwise.
 */
export function echoes(
  { role, core }: Subject,
  sent: readonly RawFrame[],
  replies: readonly RawFrame[],
  chunkSize: number | ((at: number, length: number) => number),
  options: Partial<ProtocolOptions> = {},
): void {
  const stream = concat(sent.map((item) => toEndpoint(role, item)));
  const expected = concat(replies.map((item) => fromEndpoint(role, item)));
  const protocol = new Protocol({ ...options, role, core, maskKey: Uint8Array.from(MASK_KEY) });
  const sink = new EchoOnly(protocol);
  for (let at = 0, size = 0; at < stream.length; at += size) {
    size = typeof chunkSize === "number" ? chunkSize : chunkSize(at, stream.length);
    protocol.push(stream.subarray(at, at + size), sink);
    if (sink.failure !== undefined) throw new Error(`${role}, ${core}: ${sink.failure}`);
  }
  const actual = concat(protocol.take());
  if (Buffer.compare(actual, expected) !== 0) {
    throw new Error(`${role}, ${core}: got ${actual.length} bytes that are not the ${expected.length} expected`);
  }
  if (protocol.state !== "open") throw new Error(`${role}, ${core}: ${protocol.state}`);
}

/** `length` bytes of text: ASCII, or characters of one to four bytes. */
export function textOf(length: number, kind: "ascii" | "mixed" = "ascii"): Uint8Array {
  const unit = Buffer.from(kind === "ascii" ? "BAsd7&jh23{}[]-_.:;," : "aé€𝄞zß中😀.");
  const bytes = new Uint8Array(length).fill(0x2e);
  const whole = length - (length % unit.length);
  for (let at = 0; at < whole; at += unit.length) bytes.set(unit, at);
  return bytes;
}

/** `length` bytes with all values. */
export function binaryOf(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8)) & 255;
  return bytes;
}
