// Frames to feed to a Protocol in tests, and the frames that it has written, which ws's Receiver reads.

import { FrameDecoder, type Frame, type Protocol, type ProtocolEvent, type Role } from "../../src/index.ts";
import { concat, type RawFrame, serialize } from "../reference/serialize.ts";

export const ROLES = ["server", "client"] as const;
export const CORES = ["wasm", "portable"] as const;
const KEY = [0x37, 0xfa, 0x21, 0x3d];

export const other = (role: Role): Role => (role === "server" ? "client" : "server");

export function utf8(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text));
}

/** Frames from the peer of `role` as bytes, masked if the peer is a client. */
export function toRole(role: Role, ...frames: RawFrame[]): Uint8Array {
  return concat(frames.map((frame) => serialize({ maskKey: role === "server" ? KEY : undefined, ...frame })));
}

export const text = (data: string, more: Partial<RawFrame> = {}): RawFrame => ({
  opcode: 1,
  payload: utf8(data),
  ...more,
});

export const binary = (payload: Uint8Array, more: Partial<RawFrame> = {}): RawFrame => ({
  opcode: 2,
  payload,
  ...more,
});

export const continuation = (payload: Uint8Array, more: Partial<RawFrame> = {}): RawFrame => ({
  opcode: 0,
  payload,
  ...more,
});

export const ping = (data = ""): RawFrame => ({ opcode: 9, payload: utf8(data) });
export const pong = (data = ""): RawFrame => ({ opcode: 10, payload: utf8(data) });

export function close(code?: number, reason = ""): RawFrame {
  return { opcode: 8, payload: code === undefined ? new Uint8Array(0) : closePayload(code, reason) };
}

function closePayload(code: number, reason: string): Uint8Array {
  return concat([Uint8Array.of(code >> 8, code), utf8(reason)]);
}

/** The frames that `protocol` has written. */
export function written(protocol: Protocol, role: Role): Frame[] {
  return new FrameDecoder({ role: other(role), rsv: 7 }).decode(concat(protocol.take()));
}

/** The written frames in short form: "pong:x", "close:1000:bye", "text:abc". */
export function writtenShort(protocol: Protocol, role: Role): string[] {
  const names = ["continuation", "text", "binary", "", "", "", "", "", "close", "ping", "pong"];
  return written(protocol, role).map((frame) => {
    const { payload } = frame;
    if (frame.opcode !== 8) return `${names[frame.opcode]}:${Buffer.from(payload).toString()}${frame.fin ? "" : "…"}`;
    if (payload.length === 0) return "close";
    return `close:${(payload[0]! << 8) | payload[1]!}:${Buffer.from(payload.subarray(2)).toString()}`;
  });
}

/** Events in short form: "text:abc", "error:WS_ERR_…@7", "close:1006". */
export function short(events: readonly ProtocolEvent[]): string[] {
  return events.map((event) => {
    switch (event.type) {
      case "error":
        return `error:${event.error.code}@${event.error.byteOffset}`;
      case "close":
        return `close:${event.code}:${event.reason}${event.wasClean ? "" : " not clean"}`;
      case "start":
        return `start:${event.kind}`;
      case "end":
        return "end";
      default:
        return `${event.type}:${typeof event.data === "string" ? event.data : Buffer.from(event.data).toString("latin1")}`;
    }
  });
}

/** Passes `bytes` to the Protocol in pieces of `size`. */
export function receiveInPieces(protocol: Protocol, bytes: Uint8Array, size: number): ProtocolEvent[] {
  const events: ProtocolEvent[] = [];
  for (let at = 0; at < bytes.length; at += size) events.push(...protocol.receive(bytes.slice(at, at + size)));
  return events;
}
