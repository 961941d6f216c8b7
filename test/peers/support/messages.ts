// Messages that the tests send.

export const TEXTS: readonly string[] = [
  "ASCII",
  "",
  "Zwölf Boxkämpfer 🥊 über den Sylter Deich",
  "\uFEFFa BOM is kept",
  "日本語",
];

const MEBIBYTE = Buffer.alloc(1048576, Buffer.from(Array.from({ length: 251 }, (_, i) => (i * 7) & 255)));

/** One of each length class, and of the lengths around their borders. */
export const BINARIES: readonly Buffer[] = [0, 1, 125, 126, 127, 65535, 65536, 1048576].map((length) =>
  MEBIBYTE.subarray(0, length),
);

/** A message cut in parts, one of them inside a character, one empty. */
export const TEXT_PARTS: readonly string[] = ["Zwölf ", "", "Boxkämpfer", " 🥊"];
export const BINARY_PARTS: readonly Uint8Array[] = [
  Uint8Array.of(1, 2, 3),
  MEBIBYTE.subarray(0, 70_000),
  new Uint8Array(0),
  Uint8Array.of(255),
];
