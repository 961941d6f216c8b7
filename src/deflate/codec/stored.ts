/** Length of the header of a stored block that begins at a byte: its bits, and its length twice (RFC 1951 §3.2.4). */
const HEADER_LENGTH = 5;

/**
 * DEFLATE data with a stored block of up to 65,535 bytes before it: it inflates to these bytes and what `data` inflates
 * to with them as its dictionary. @internal
 */
export function behindStored(bytes: Uint8Array, data: Uint8Array): Uint8Array {
  const { length } = bytes;
  const whole = new Uint8Array(HEADER_LENGTH + length + data.length);
  whole.set([0, length & 0xff, length >> 8, ~length & 0xff, (~length >> 8) & 0xff]);
  whole.set(bytes, HEADER_LENGTH);
  whole.set(data, HEADER_LENGTH + length);
  return whole;
}
