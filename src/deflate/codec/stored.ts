/** The header of a stored block that starts at a byte boundary: its bits, and its length twice (RFC 1951 §3.2.4). */
const HEADER_LENGTH = 5;

/**
 * Puts a stored block of up to 65,535 bytes in front of DEFLATE data. The result inflates to `bytes`, and then to `data` with
 * `bytes` as its dictionary. @internal
 */
export function behindStored(bytes: Uint8Array, data: Uint8Array): Uint8Array {
  const { length } = bytes;
  const whole = new Uint8Array(HEADER_LENGTH + length + data.length);
  whole.set([0, length & 0xff, length >> 8, ~length & 0xff, (~length >> 8) & 0xff]);
  whole.set(bytes, HEADER_LENGTH);
  whole.set(data, HEADER_LENGTH + length);
  return whole;
}
