// Writes frames as bytes, valid or not, directly from RFC 6455 §5.2. It shares no code with src/.

export interface RawFrame {
  fin?: boolean;
  rsv?: number;
  opcode: number;
  payload?: Uint8Array;
  maskKey?: readonly number[] | undefined;
  /** The number of bytes for the length. Default: as few as possible. */
  lengthBytes?: 1 | 3 | 9;
  /** The length in the header, if it differs from the length of the payload. */
  claimedLength?: bigint;
}

export function serialize(frame: RawFrame): Uint8Array {
  const payload = frame.payload ?? new Uint8Array(0);
  const length = frame.claimedLength ?? BigInt(payload.length);
  const lengthBytes = frame.lengthBytes ?? (length < 126n ? 1 : length < 65536n ? 3 : 9);
  const bytes: number[] = [(frame.fin === false ? 0 : 0x80) + (frame.rsv ?? 0) * 16 + frame.opcode];
  const mask = frame.maskKey ? 0x80 : 0;
  if (lengthBytes === 1) {
    bytes.push(mask + Number(length));
  } else {
    bytes.push(mask + (lengthBytes === 3 ? 126 : 127));
    for (let i = lengthBytes - 2; i >= 0; i--) bytes.push(Number((length >> BigInt(8 * i)) & 255n));
  }
  if (frame.maskKey) bytes.push(...frame.maskKey);
  const out = new Uint8Array(bytes.length + payload.length);
  out.set(bytes);
  for (let i = 0; i < payload.length; i++) {
    out[bytes.length + i] = frame.maskKey ? payload[i]! ^ frame.maskKey[i % 4]! : payload[i]!;
  }
  return out;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
