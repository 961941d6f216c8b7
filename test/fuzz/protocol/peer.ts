// The peer of a connection, which sends the bytes of a case, valid or not.

import { constants, deflateRawSync } from "node:zlib";
import type { ReferenceSide } from "../../reference/inflate.ts";
import { concat, type RawFrame, serialize } from "../../reference/serialize.ts";
import type { Data, Incoming } from "./case.ts";

const NOTHING = new Uint8Array(0);
/** An empty stored block with BFINAL set. */
const EMPTY_FINAL = [0x01, 0x00, 0x00, 0xff, 0xff];

export function bytesOf(data: Data | undefined): Uint8Array {
  if (data === undefined) return NOTHING;
  if ("t" in data) return Buffer.from(data.t);
  if ("b" in data) return Buffer.from(data.b, "latin1");
  return Buffer.alloc(data.n, data.f);
}

export class Peer {
  private readonly masks: boolean;
  private readonly side: ReferenceSide | undefined;
  private history: Buffer = Buffer.alloc(0);
  /** The bytes that have not arrived yet, from `start` to `end`. */
  private pending: Uint8Array = new Uint8Array(1024);
  private start = 0;
  private end = 0;

  /** @param side the settings of its compression, if any */
  constructor(masks: boolean, side: ReferenceSide | undefined) {
    this.masks = masks;
    this.side = side;
  }

  sends(what: readonly Incoming[] | undefined): void {
    if (what === undefined) return;
    for (const each of what) {
      const { op, data, fin, rsv, key, lengthBytes, claims, cut, deflate } = each;
      if (lengthBytes === undefined && claims === undefined && cut === undefined && deflate === undefined) {
        const first = (fin === false ? 0 : 0x80) | ((rsv ?? 0) << 4) | op;
        this.write(first, bytesOf(data), key === undefined && !this.masks ? -1 : (key ?? 0));
      } else {
        for (const frame of this.framesOf(each)) this.add(serialize(frame));
      }
    }
  }

  /** The next bytes to arrive. The view is valid until more is sent. */
  next(size: number): Uint8Array {
    const { start, end } = this;
    this.start = size < 0 ? end : Math.min(start + size, end);
    return this.pending.subarray(start, this.start);
  }

  private reserve(length: number): void {
    if (this.end + length <= this.pending.length) return;
    const left = this.pending.subarray(this.start, this.end);
    const larger = left.length + length <= this.pending.length / 2 ? this.pending.length : 2 * (left.length + length);
    this.pending = new Uint8Array(larger);
    this.pending.set(left);
    this.start = 0;
    this.end = left.length;
  }

  private add(bytes: Uint8Array): void {
    this.reserve(bytes.length);
    this.pending.set(bytes, this.end);
    this.end += bytes.length;
  }

  /** Does the work of serialize() for an ordinary frame in a tenth of the time. */
  private write(first: number, payload: Uint8Array, key: number): void {
    const { length } = payload;
    this.reserve(length + 14);
    const { pending } = this;
    let at = this.end;
    const mask = key < 0 ? 0 : 0x80;
    pending[at++] = first;
    if (length < 126) {
      pending[at++] = mask | length;
    } else if (length < 65536) {
      pending[at++] = mask | 126;
      pending[at++] = length >> 8;
      pending[at++] = length;
    } else {
      pending[at++] = mask | 127;
      for (let shift = 56; shift >= 0; shift -= 8) pending[at++] = shift > 24 ? 0 : length >>> shift;
    }
    if (key < 0) {
      pending.set(payload, at);
    } else {
      for (let shift = 24; shift >= 0; shift -= 8) pending[at++] = key >> shift;
      for (let i = 0; i < length; i++) pending[at + i] = payload[i]! ^ (key >> (24 - ((i & 3) << 3)));
    }
    this.end = at + length;
  }

  private framesOf(one: Incoming): RawFrame[] {
    const { op: opcode, fin, rsv, lengthBytes, claims, cut, pings, deflate } = one;
    const maskKey = this.keyOf(one.key);
    const compress = deflate !== undefined && this.side !== undefined;
    const payload = compress ? this.compress(bytesOf(one.data), deflate) : bytesOf(one.data);
    const bits = rsv ?? (compress ? 4 : 0);
    if (cut === undefined) {
      return [
        {
          opcode,
          payload,
          maskKey,
          rsv: bits,
          ...(fin !== undefined && { fin }),
          ...(lengthBytes !== undefined && payload.length < (lengthBytes === 1 ? 126 : 65536) && { lengthBytes }),
          ...(claims !== undefined && { claimedLength: BigInt(claims), lengthBytes: 9 as const }),
        },
      ];
    }
    const frames: RawFrame[] = [];
    let at = 0;
    do {
      const end = Math.min(payload.length, at + Math.max(cut, payload.length >> 6, 1));
      const first = at === 0;
      frames.push({
        opcode: first ? opcode : 0,
        payload: payload.subarray(at, end),
        maskKey,
        rsv: first ? bits : 0,
        fin: end === payload.length && fin !== false,
      });
      if (pings && end < payload.length) frames.push({ opcode: 9, payload: payload.subarray(at, at + 2), maskKey });
      at = end;
    } while (at < payload.length);
    return frames;
  }

  private keyOf(key: number | undefined): readonly number[] | undefined {
    if (key === -1 || (key === undefined && !this.masks)) return undefined;
    const number = key ?? 0;
    return [(number >> 24) & 255, (number >> 16) & 255, (number >> 8) & 255, number & 255];
  }

  /** Compresses with zlib, as in RFC 7692 §7.2.1. */
  private compress(
    data: Uint8Array,
    { level, finals = 0, flip, drop = 0 }: NonNullable<Incoming["deflate"]>,
  ): Uint8Array {
    const { bits, takeover } = this.side!;
    const size = 2 ** bits;
    const dictionary = takeover ? this.history : NOTHING;
    const flushed = deflateRawSync(data, {
      ...(dictionary.length > 0 && { dictionary }),
      windowBits: Math.max(9, bits),
      level,
      finishFlush: constants.Z_SYNC_FLUSH,
    });
    this.history = Buffer.concat([this.history, data]).subarray(-size);
    let bytes: Uint8Array = data.length === 0 ? Uint8Array.of(0) : flushed.subarray(0, -4);
    if (finals > 0) {
      const whole = data.length === 0 ? NOTHING : flushed;
      const ends = Array.from({ length: finals }, () => Uint8Array.from(EMPTY_FINAL));
      bytes = concat([whole, ...ends, Uint8Array.of(0)]);
    }
    const result = new Uint8Array(bytes.subarray(0, Math.max(0, bytes.length - drop)));
    if (flip !== undefined && result.length > 0) result[(flip >> 3) % result.length]! ^= 1 << (flip & 7);
    return result;
  }
}
