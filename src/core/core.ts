/**
 * The one interface of both cores: the WASM core and the portable one. What the fields of the memory
 * mean is in assembly/memory.ts.
 * @internal
 */
export interface Core {
  /** All of the core's memory. It never grows or detaches, so these views hold for good. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Signed, for V8 keeps small signed integers without boxes: masking-keys may come out negative. */
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  /** Walks `bytes[start, end)`, leaves records in TABLE and what follows in STATE; returns the number of records. */
  decode(start: number, end: number): number;
  /**
   * Serializes `count` records of TABLE, payloads in `bytes[WINDOW, end)`, into OUTPUT; returns where that ends.
   * `ascii` is 1 if all texts have as many bytes as UTF-16 code units, `masked` 1 if there are KEYS; else 0.
   */
  encode(count: number, end: number, ascii: number, masked: number): number;
  /** XORs `bytes[address, address + length)` with a little-endian key. */
  mask(address: number, length: number, key: number): void;
}

/** Which core shall be used: `"auto"` takes the WASM core wherever WebAssembly may be compiled. */
export type CoreChoice = "auto" | "wasm" | "portable";
