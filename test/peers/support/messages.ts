// The messages of the tests.

export const TEXTS: readonly string[] = [
  "ASCII",
  "",
  "Zwölf Boxkämpfer 🥊 über den Sylter Deich",
  "\uFEFFa BOM is kept",
  "日本語",
];

const MEBIBYTE = Buffer.alloc(1048576, Buffer.from(Array.from({ length: 251 }, (_, i) => (i * 7) & 255)));

/** One for each length class, and for the lengths around their borders. */
export const BINARIES: readonly Buffer[] = [0, 1, 125, 126, 127, 65535, 65536, 1048576].map((length) =>
  MEBIBYTE.subarray(0, length),
);

/** A message cut into parts: one cut inside a character, one empty part. */
export const TEXT_PARTS: readonly string[] = ["Zwölf ", "", "Boxkämpfer", " 🥊"];
export const BINARY_PARTS: readonly Uint8Array[] = [
  Uint8Array.of(1, 2, 3),
  MEBIBYTE.subarray(0, 70_000),
  new Uint8Array(0),
  Uint8Array.of(255),
];
