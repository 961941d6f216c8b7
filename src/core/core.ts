/**
 * The interface of both cores, WASM and portable. assembly/memory.ts describes the fields of the memory.
 * @internal
 */
export interface Core {
  /** The core's whole memory. It never grows or detaches, so these views stay valid. */
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** Signed, because V8 stores small signed integers without boxes. Masking-keys may be negative. */
  readonly i32: Int32Array;
  readonly f64: Float64Array;
  /** Decodes `bytes[start, end)`. Leaves records in TABLE and the new state in STATE. Returns the number of records. */
  decode(start: number, end: number): number;
  /**
   * Serializes `count` records of TABLE, with payloads in `bytes[WINDOW, end)`, to OUTPUT. Returns the end of the
   * output. `ascii` is 1 if all texts have as many bytes as UTF-16 code units; `masked` is 1 if there are KEYS.
   * Otherwise they are 0.
   */
  encode(count: number, end: number, ascii: number, masked: number): number;
  /** XORs `bytes[address, address + length)` with a little-endian key. */
  mask(address: number, length: number, key: number): void;
}

/**
 * The core to use. `"auto"` uses the WASM core if WebAssembly can be compiled, otherwise the portable core. `"wasm"`
 * throws an Error if it cannot be compiled. `"portable"` is plain TypeScript: correct but slow.
 */
export type CoreChoice = "auto" | "wasm" | "portable";
