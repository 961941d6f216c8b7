// Converts bytes to the forms that `binaryType` names.

/** An ArrayBuffer that contains only these bytes. Short Buffers share theirs, so it may be a copy. */
export function bufferOf(bytes: Uint8Array<ArrayBuffer>): ArrayBuffer {
  const { buffer, byteOffset, byteLength } = bytes;
  return byteLength === buffer.byteLength ? buffer : buffer.slice(byteOffset, byteOffset + byteLength);
}

/** A Buffer of the same memory. */
export function toBuffer(bytes: Uint8Array<ArrayBuffer>): Buffer<ArrayBuffer> {
  if (Buffer.isBuffer(bytes)) return bytes as Buffer<ArrayBuffer>;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
