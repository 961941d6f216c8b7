// An inflater written straight from RFC 1951, to check the output of a compressor.

const LENGTH_BASE = [
  3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 15, 17, 19, 23, 27, 31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258,
];
const LENGTH_EXTRA = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0];
const DISTANCE_BASE = [
  1, 2, 3, 4, 5, 7, 9, 13, 17, 25, 33, 49, 65, 97, 129, 193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145,
  8193, 12289, 16385, 24577,
];
const DISTANCE_EXTRA = [
  0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13,
];
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

export interface ReferenceResult {
  readonly data: Uint8Array;
  /** How far back the farthest match reaches; 0 if there are no matches. */
  readonly farthest: number;
  readonly finalBlocks: number;
}

interface Huffman {
  readonly counts: readonly number[];
  readonly symbols: readonly number[];
}

function huffman(lengths: readonly number[]): Huffman {
  const counts = Array.from({ length: 16 }, () => 0);
  for (const length of lengths) counts[length]!++;
  counts[0] = 0;
  const offsets = [0, 0];
  for (let i = 1; i < 15; i++) offsets[i + 1] = offsets[i]! + counts[i]!;
  const symbols: number[] = [];
  lengths.forEach((length, symbol) => {
    if (length > 0) symbols[offsets[length]!++] = symbol;
  });
  return { counts, symbols };
}

const FIXED_LITERALS = huffman(Array.from({ length: 288 }, (_, i) => (i < 144 ? 8 : i < 256 ? 9 : i < 280 ? 7 : 8)));
const FIXED_DISTANCES = huffman(Array.from({ length: 30 }, () => 5));

/**
 * Inflates all blocks, including those after a final one, which begin at the next byte. Throws if they do not end with the
 * input.
 */
export function referenceInflate(input: Uint8Array, dictionary: Uint8Array = new Uint8Array(0)): ReferenceResult {
  const out: number[] = [...dictionary];
  let at = 0;
  let farthest = 0;
  let finalBlocks = 0;

  const bits = (count: number): number => {
    let value = 0;
    for (let i = 0; i < count; i++, at++) {
      const byte = input[at >> 3];
      if (byte === undefined) throw new Error("The input ends inside a block");
      value |= ((byte >> (at & 7)) & 1) << i;
    }
    return value;
  };
  const symbol = ({ counts, symbols }: Huffman): number => {
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length < 16; length++) {
      code |= bits(1);
      const count = counts[length]!;
      if (code - count < first) return symbols[index + (code - first)]!;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    throw new Error("The code does not exist");
  };
  const align = (): void => {
    at = (at + 7) & ~7;
  };
  const compressed = (literals: Huffman, distances: Huffman): void => {
    for (;;) {
      const value = symbol(literals);
      if (value === 256) return;
      if (value < 256) {
        out.push(value);
        continue;
      }
      const length = LENGTH_BASE[value - 257]! + bits(LENGTH_EXTRA[value - 257]!);
      const code = symbol(distances);
      const distance = DISTANCE_BASE[code]! + bits(DISTANCE_EXTRA[code]!);
      if (distance > out.length) throw new Error("A match reaches too far back");
      farthest = Math.max(farthest, distance);
      for (let i = 0; i < length; i++) out.push(out[out.length - distance]!);
    }
  };
  const dynamic = (): [Huffman, Huffman] => {
    const literals = bits(5) + 257;
    const distances = bits(5) + 1;
    const codes = bits(4) + 4;
    const codeLengths = Array.from({ length: 19 }, () => 0);
    for (let i = 0; i < codes; i++) codeLengths[CODE_LENGTH_ORDER[i]!] = bits(3);
    const code = huffman(codeLengths);
    const lengths: number[] = [];
    while (lengths.length < literals + distances) {
      const value = symbol(code);
      if (value < 16) lengths.push(value);
      else {
        const [repeated, times] =
          value === 16 ? [lengths.at(-1)!, 3 + bits(2)] : value === 17 ? [0, 3 + bits(3)] : [0, 11 + bits(7)];
        for (let i = 0; i < times; i++) lengths.push(repeated);
      }
    }
    return [huffman(lengths.slice(0, literals)), huffman(lengths.slice(literals))];
  };

  while (at < 8 * input.length) {
    const final = bits(1) === 1;
    const type = bits(2);
    if (type === 0) {
      align();
      const length = bits(16);
      if ((bits(16) ^ 0xffff) !== length) throw new Error("The lengths of a stored block differ");
      for (let i = 0; i < length; i++) out.push(bits(8));
    } else if (type === 1) compressed(FIXED_LITERALS, FIXED_DISTANCES);
    else if (type === 2) compressed(...dynamic());
    else throw new Error("The type of block does not exist");
    if (final) {
      finalBlocks++;
      align();
    }
  }
  return { data: Uint8Array.from(out.slice(dictionary.length)), farthest, finalBlocks };
}
