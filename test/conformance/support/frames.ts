// The frames of the peer, and the ways in which a stream of them is cut into chunks.

import type { Role } from "../../../src/index.ts";
import { concat, type RawFrame, serialize } from "../../reference/serialize.ts";
import { Random } from "../../support/random.ts";
import { byteByByte, cutAt } from "../../support/run.ts";

/** The masking-key of all masked frames. */
export const MASK_KEY: readonly number[] = [0x37, 0xfa, 0x21, 0x3d];

export type Payload = string | Uint8Array;

export function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

/** Bytes from hexadecimal digits. Spaces are ignored. */
export function hex(digits: string): Uint8Array {
  return new Uint8Array(Buffer.from(digits.replaceAll(" ", ""), "hex"));
}

export function toHex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("hex");
}

function bytesOf(payload: Payload): Uint8Array {
  return typeof payload === "string" ? utf8(payload) : payload;
}

type Extra = Omit<RawFrame, "opcode" | "payload">;

/** A frame of any opcode. */
export function frame(opcode: number, payload: Payload = "", extra: Extra = {}): RawFrame {
  return { opcode, payload: bytesOf(payload), ...extra };
}

export const text = (payload: Payload = "", extra?: Extra): RawFrame => frame(1, payload, extra);
export const binary = (payload: Payload = "", extra?: Extra): RawFrame => frame(2, payload, extra);
export const continuation = (payload: Payload = "", extra?: Extra): RawFrame => frame(0, payload, extra);
export const ping = (payload: Payload = "", extra?: Extra): RawFrame => frame(9, payload, extra);
export const pong = (payload: Payload = "", extra?: Extra): RawFrame => frame(10, payload, extra);

/** The payload of a Close. */
export function closePayload(code: number, reason: Payload = ""): Uint8Array {
  return concat([new Uint8Array([code >> 8, code & 255]), bytesOf(reason)]);
}

/** A Close. Without a code, it is empty. */
export function close(code?: number, reason: Payload = "", extra?: Extra): RawFrame {
  return frame(8, code === undefined ? "" : closePayload(code, reason), extra);
}

function framesOf(opcode: 1 | 2, payloads: readonly Payload[]): RawFrame[] {
  return payloads.map((payload, i) => frame(i === 0 ? opcode : 0, payload, { fin: i === payloads.length - 1 }));
}

/** A message in frames with these payloads. */
export function fragments(opcode: 1 | 2, ...payloads: Payload[]): RawFrame[] {
  return framesOf(opcode, payloads);
}

/** A message in frames of `size` bytes. */
export function fragmented(opcode: 1 | 2, payload: Uint8Array, size: number): RawFrame[] {
  const payloads: Uint8Array[] = [];
  for (let at = 0; at === 0 || at < payload.length; at += size) payloads.push(payload.subarray(at, at + size));
  return framesOf(opcode, payloads);
}

/** A frame that a peer sends to an endpoint of this role: masked if the endpoint is a server. */
export function toEndpoint(role: Role, raw: RawFrame): Uint8Array {
  return bytesOfFrame(role === "server" && !("maskKey" in raw) ? { ...raw, maskKey: MASK_KEY } : raw);
}

/** A frame that an endpoint of this role must send: masked if the endpoint is a client. */
export function fromEndpoint(role: Role, raw: RawFrame): Uint8Array {
  return bytesOfFrame(role === "client" ? { ...raw, maskKey: MASK_KEY } : raw);
}

/** serialize(), with a faster way for the payload of a long frame, which would take most of the time of these tests. */
function bytesOfFrame(raw: RawFrame): Uint8Array {
  const { payload = new Uint8Array(0), maskKey } = raw;
  if (payload.length < 1024) return serialize(raw);
  const header = serialize({
    ...raw,
    payload: new Uint8Array(0),
    claimedLength: raw.claimedLength ?? BigInt(payload.length),
  });
  const bytes = new Uint8Array(header.length + payload.length);
  bytes.set(header);
  bytes.set(payload, header.length);
  if (maskKey === undefined) return bytes;
  const body = bytes.subarray(header.length);
  const [a, b, c, d] = maskKey as [number, number, number, number];
  for (let i = 0; i < body.length; i += 4) {
    // Writes beyond the end have no effect.
    body[i]! ^= a;
    body[i + 1]! ^= b;
    body[i + 2]! ^= c;
    body[i + 3]! ^= d;
  }
  return bytes;
}

export interface Chunking {
  readonly name: string;
  cut(stream: Uint8Array): Uint8Array[];
}

/** Chunks of at most `size` bytes. */
export function chops(stream: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size));
  return chunks;
}

function random(seed: number, longest: number): Chunking {
  return {
    name: `at random (seed ${seed})`,
    cut(stream) {
      const source = new Random(seed);
      const positions: number[] = [];
      for (let at = source.integer(1, longest); at < stream.length; at += source.integer(1, longest))
        positions.push(at);
      return cutAt(stream, positions);
    },
  };
}

const WHOLE: Chunking = { name: "in one chunk", cut: (stream) => [stream] };
const BYTES: Chunking = { name: "byte by byte", cut: byteByByte };

/** The ways to cut a stream of `length` bytes, whose frames end at `ends`. */
export function chunkings(length: number, ends: readonly number[]): readonly Chunking[] {
  const frames: Chunking = { name: "frame by frame", cut: (stream) => cutAt(stream, ends.slice(0, -1)) };
  return length <= 4096
    ? [WHOLE, frames, BYTES, random(1, 5), random(2, 40)]
    : [WHOLE, frames, random(3, 5000), { name: "in chunks of 997 bytes", cut: (stream) => chops(stream, 997) }];
}
