// Writes DEFLATE streams by hand, for cases that no compressor produces.

/** RFC 1951 §3.2.7. */
const PRECODE_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/** The codes for these lengths, first bit first (RFC 1951 §3.2.2). "" for a length of 0. */
export function huffmanCodes(lengths: readonly number[]): string[] {
  const codes = lengths.map(() => "");
  let code = 0;
  for (let length = 1; length < 16; length++, code *= 2) {
    lengths.forEach((of, symbol) => {
      if (of === length) codes[symbol] = (code++).toString(2).padStart(length, "0");
    });
  }
  return codes;
}

export const FIXED_LITERALS = huffmanCodes(
  Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)),
);
export const FIXED_DISTANCES = huffmanCodes(Array.from({ length: 32 }, () => 5));

/** An array of `count` code lengths: those in `set`, and 0 for all other symbols. */
export function lengths(count: number, set: Readonly<Record<number, number>>): number[] {
  return Array.from({ length: count }, (_, symbol) => set[symbol] ?? 0);
}

export class BitWriter {
  #bits = "";

  /** Bits in order. */
  code(bits: string): this {
    this.#bits += bits;
    return this;
  }

  /** A number, lowest bit first. */
  number(value: number, count: number): this {
    return this.code([...value.toString(2).padStart(count, "0")].toReversed().join(""));
  }

  align(): this {
    while (this.#bits.length % 8 !== 0) this.#bits += "0";
    return this;
  }

  header(type: number, final = 0): this {
    return this.number(final, 1).number(type, 2);
  }

  stored(data: Uint8Array, final = 0): this {
    this.header(0, final)
      .align()
      .number(data.length, 16)
      .number(0xffff - data.length, 16);
    for (const byte of data) this.number(byte, 8);
    return this;
  }

  /** The header of a dynamic block with these counts, and the lengths of the codes for code lengths, by symbol. */
  dynamic(literals: number, distances: number, precode: readonly number[], final = 0): this {
    this.header(2, final)
      .number(literals - 257, 5)
      .number(distances - 1, 5)
      .number(15, 4);
    for (const symbol of PRECODE_ORDER) this.number(precode[symbol] ?? 0, 3);
    return this;
  }

  /** The whole header of a dynamic block, with 4 bits for each code length. */
  codes(literals: readonly number[], distances: readonly number[], final = 0): this {
    this.dynamic(
      literals.length,
      distances.length,
      lengths(19, Object.fromEntries([...Array(16).keys()].map((i) => [i, 4]))),
      final,
    );
    for (const length of [...literals, ...distances]) this.code(length.toString(2).padStart(4, "0"));
    return this;
  }

  /** Symbols of a fixed block, or bits as strings. */
  fixed(...symbols: readonly (number | string)[]): this {
    for (const symbol of symbols) this.code(typeof symbol === "string" ? symbol : FIXED_LITERALS[symbol]!);
    return this;
  }

  bytes(): Uint8Array {
    const bits = this.#bits.padEnd(Math.ceil(this.#bits.length / 8) * 8, "0");
    return Uint8Array.from(bits.match(/.{8}/g) ?? [], (byte) => parseInt([...byte].toReversed().join(""), 2));
  }
}
