// WebSocket bytes made by hand, because no encoder would produce them.

import { deflateRawSync } from "node:zlib";

export const TEXT = 1;
export const BINARY = 2;
export const CLOSE = 8;
export const PING = 9;

/**
 * The header of a frame (RFC 6455 §5.2), with a masking-key of zeros for a server.
 * @param {{ opcode: number, length: number, fin?: boolean, rsv?: number, toServer: boolean }} frame
 */
export function header({ opcode, length, fin = true, rsv = 0, toServer }) {
  const size = length < 126 ? 2 : length < 65536 ? 4 : 10;
  const bytes = Buffer.alloc(size + (toServer ? 4 : 0));
  bytes[0] = (fin ? 0x80 : 0) | (rsv << 4) | opcode;
  bytes[1] = (toServer ? 0x80 : 0) | (size === 2 ? length : size === 4 ? 126 : 127);
  if (size === 4) bytes.writeUInt16BE(length, 2);
  if (size === 10) bytes.writeBigUInt64BE(BigInt(length), 2);
  return bytes;
}

/** A complete frame. */
export function frame(opcode, payload, { fin = true, rsv = 0, toServer }) {
  return Buffer.concat([header({ opcode, length: payload.length, fin, rsv, toServer }), payload]);
}

/** The same bytes, `count` times. */
export function times(count, bytes) {
  return Buffer.alloc(count * bytes.length, bytes);
}

/** A message of permessage-deflate (RFC 7692 §7.2.1) that inflates to `length` zeros. */
export function bomb(length) {
  const deflated = deflateRawSync(Buffer.alloc(length), { finishFlush: 2 /* Z_SYNC_FLUSH */ });
  return deflated.subarray(0, deflated.length - 4);
}

/** A client's request. */
export function request(lines = []) {
  const all = [
    "GET / HTTP/1.1",
    "Host: localhost",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ...lines,
  ];
  return `${all.join("\r\n")}\r\n\r\n`;
}

export const DEFLATE = "Sec-WebSocket-Extensions: permessage-deflate";
