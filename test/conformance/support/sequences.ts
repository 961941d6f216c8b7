// Valid and invalid UTF-8 sequences (RFC 3629), in the groups of Markus Kuhn's decoder stress test, numbered like the
// sections 6.5 to 6.23 of the public suite.

/**
 * A sequence in hexadecimal digits and, if it is invalid, the index of the first byte that is not allowed at its place.
 */
export type Sequence = readonly [digits: string, wrongAt?: number];

export interface SequenceGroup {
  readonly section: string;
  readonly what: string;
  readonly sequences: readonly Sequence[];
}

/** "κόσμε" with an oxia as its accent: characters of two and of three bytes. */
export const KOSME = "cebae1bdb9cf83cebcceb5";

/** The digits of a range of bytes, each followed by a space. */
const spaced = (from: number, below: number): string =>
  Array.from({ length: below - from }, (_, i) => `${(from + i).toString(16)}20`).join("");

const continuationBytes = Array.from({ length: 0xbf - 0x80 }, (_, i) => (0x80 + i).toString(16)).join("");

const cutShort: readonly Sequence[] = [
  ["c0", 0],
  ["e080", 1],
  ["f08080", 1],
  ["f8808080", 0],
  ["fc80808080", 0],
  ["df", 1],
  ["efbf", 2],
  ["f7bfbf", 0],
  ["fbbfbfbf", 0],
  ["fdbfbfbfbf", 0],
];

/** U+nFFFE and U+nFFFF of the planes 1 to 16. */
const nonCharacters: readonly Sequence[] = Array.from({ length: 16 }, (_, i) => i + 1).flatMap((plane) =>
  [0xfffe, 0xffff].map((low): Sequence => [Buffer.from(String.fromCodePoint(plane * 0x10000 + low)).toString("hex")]),
);

/** Lengths at which a prefix of KOSME ends inside a character, so that its next byte is missing. */
const INSIDE = new Set([1, 3, 4, 6, 8, 10]);

export const GROUPS: readonly SequenceGroup[] = [
  {
    section: "6.5",
    what: "valid sequences",
    sequences: [
      ["68656c6c6f24776f726c64"],
      ["68656c6c6fc2a2776f726c64"],
      ["68656c6c6fe282ac776f726c64"],
      ["68656c6c6ff0a4ada2776f726c64"],
      [KOSME],
    ],
  },
  {
    section: "6.6",
    what: "prefixes of a word with characters of several bytes",
    sequences: Array.from({ length: 11 }, (_, i): Sequence => {
      const length = i + 1;
      const digits = KOSME.slice(0, 2 * length);
      return INSIDE.has(length) ? [digits, length] : [digits];
    }),
  },
  {
    section: "6.7",
    what: "the first sequence of each length",
    sequences: [["00"], ["c280"], ["e0a080"], ["f0908080"]],
  },
  {
    section: "6.8",
    what: "the first sequences of five and six bytes",
    sequences: [
      ["f888808080", 0],
      ["fc8480808080", 0],
    ],
  },
  {
    section: "6.9",
    what: "the last sequence of each length",
    sequences: [["7f"], ["dfbf"], ["efbfbf"], ["f48fbfbf"]],
  },
  {
    section: "6.10",
    what: "the last sequences of four, five and six bytes",
    sequences: [
      ["f7bfbfbf", 0],
      ["fbbfbfbfbf", 0],
      ["fdbfbfbfbfbf", 0],
    ],
  },
  {
    section: "6.11",
    what: "other boundaries",
    sequences: [["ed9fbf"], ["ee8080"], ["efbfbd"], ["f48fbfbf"], ["f4908080", 1]],
  },
  {
    section: "6.12",
    what: "unexpected continuation bytes",
    sequences: [
      ["80", 0],
      ["bf", 0],
      ["80bf", 0],
      ["80bf80", 0],
      ["80bf80bf", 0],
      ["80bf80bf80", 0],
      ["80bf80bf80bf", 0],
      [continuationBytes, 0],
    ],
  },
  {
    section: "6.13",
    what: "lone first bytes",
    sequences: [
      [spaced(0xc0, 0xdf), 0],
      [spaced(0xe0, 0xef), 1],
      [spaced(0xf0, 0xf7), 1],
      [spaced(0xf8, 0xfb), 0],
      [spaced(0xfc, 0xfd), 0],
    ],
  },
  { section: "6.14", what: "sequences whose last byte is missing", sequences: cutShort },
  {
    section: "6.15",
    what: "sequences whose last byte is missing, end to end",
    sequences: [[cutShort.map(([digits]) => digits).join(""), 0]],
  },
  {
    section: "6.16",
    what: "impossible bytes",
    sequences: [
      ["fe", 0],
      ["ff", 0],
      ["fefeffff", 0],
    ],
  },
  {
    section: "6.17",
    what: "overlong forms of a slash",
    sequences: [
      ["c0af", 0],
      ["e080af", 1],
      ["f08080af", 1],
      ["f8808080af", 0],
      ["fc80808080af", 0],
    ],
  },
  {
    section: "6.18",
    what: "overlong forms of the greatest code points",
    sequences: [
      ["c1bf", 0],
      ["e09fbf", 1],
      ["f08fbfbf", 1],
      ["f887bfbfbf", 0],
      ["fc83bfbfbfbf", 0],
    ],
  },
  {
    section: "6.19",
    what: "overlong forms of NUL",
    sequences: [
      ["c080", 0],
      ["e08080", 1],
      ["f0808080", 1],
      ["f880808080", 0],
      ["fc8080808080", 0],
    ],
  },
  {
    section: "6.20",
    what: "single surrogates",
    sequences: ["eda080", "edadbf", "edae80", "edafbf", "edb080", "edbe80", "edbfbf"].map((digits): Sequence => [
      digits,
      1,
    ]),
  },
  {
    section: "6.21",
    what: "pairs of surrogates",
    sequences: ["eda080", "edadbf", "edae80", "edafbf"].flatMap((high) => [
      [`${high}edb080`, 1] satisfies Sequence,
      [`${high}edbfbf`, 1] satisfies Sequence,
    ]),
  },
  {
    section: "6.22",
    what: "code points that are not characters",
    sequences: [["efbfbe"], ["efbfbf"], ...nonCharacters],
  },
  {
    section: "6.23",
    what: "specials",
    sequences: [["efbfb9"], ["efbfba"], ["efbfbb"], ["efbfbc"], ["efbfbd"], ["efbfbe"], ["efbfbf"]],
  },
];
