/** Bytes in any form. They are borrowed until they have been written: do not change them before. */
export type Bytes = ArrayBuffer | ArrayBufferView;

/** The same bytes, not copied. @throws TypeError @internal */
export function asBytes(data: Bytes): Uint8Array {
  if (data instanceof Uint8Array) return data;
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (data instanceof ArrayBuffer) return new Uint8Array(data);
  throw new TypeError("data must be a string, an ArrayBuffer or a view of one");
}

/** @throws TypeError @internal */
export function asBytesOrText(data: string | Bytes): string | Uint8Array {
  return typeof data === "string" ? data : asBytes(data);
}
