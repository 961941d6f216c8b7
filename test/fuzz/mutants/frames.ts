// Faults for the target "frames".

import type { Mutant } from "./mutant.ts";

export const FRAMES: readonly Mutant[] = [
  {
    name: "mask-rotation",
    behaviour: "A masked payload that is cut continues with the first byte of its masking-key.",
    file: "assembly/decode.ts",
    find: "key = rotateKey(key, length);",
    replace: "",
    target: "frames",
  },
  {
    name: "utf8-surrogates",
    behaviour: "Text may contain surrogates.",
    file: "assembly/utf8.ts",
    find: "byte == 0xed ? 0x9f8000 : CONTINUATION",
    replace: "CONTINUATION",
    target: "frames",
  },
  {
    name: "close-code-1015",
    behaviour: "The close code 1015, which must not be on the wire, is accepted.",
    file: "assembly/decode.ts",
    find: "code <= 1014",
    replace: "code <= 1015",
    target: "frames",
  },
  {
    name: "minimal-length",
    behaviour: "A length of 65535 in 8 bytes, which is not minimal, is accepted.",
    file: "assembly/header.ts",
    find: "payloadLength < 65536",
    replace: "payloadLength < 65535",
    target: "frames",
    seconds: 120,
  },
  {
    name: "wide-text",
    behaviour: "The encoder counts a character beyond U+FFFF as one UTF-16 code unit.",
    file: "assembly/utf8.ts",
    find: "units -= 1 + i32(byte >= 0xf0);",
    replace: "units -= 1;",
    target: "frames",
  },
  {
    name: "pause-keeps-chunk",
    behaviour: "A pause keeps the caller's chunk, which the caller reuses meanwhile.",
    file: "src/frame/decoder.ts",
    find: "this.#keep(owned ? rest : new Uint8Array(rest));",
    replace: "this.#keep(rest);",
    target: "frames",
  },
  {
    name: "save-utf8",
    behaviour: "A decoder that is saved inside a character forgets this state.",
    file: "src/frame/decoder.ts",
    find: "      utf8: this.#utf8,",
    replace: "      utf8: 0,",
    target: "frames",
  },
];
