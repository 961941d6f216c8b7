// Faults for the targets "deflate" and "compression".

import type { Mutant } from "./mutant.ts";

export const DEFLATE: readonly Mutant[] = [
  {
    name: "final-blocks",
    behaviour: "A message may have any number of final blocks.",
    file: "assembly/deflate/inflate.ts",
    find: "if (blocks > <u32>MAX_FINAL_BLOCKS) return INFLATE_ERROR_FINAL_BLOCKS;",
    replace: "",
    target: "deflate",
  },
  {
    name: "repeat-beyond-end",
    behaviour: "The code lengths may repeat beyond their end.",
    file: "assembly/deflate/inflate.ts",
    find: "if (at + repeated > end || (symbol == 16 && at == start)) return INFLATE_ERROR_REPEAT;",
    replace: "if (symbol == 16 && at == start) return INFLATE_ERROR_REPEAT;",
    target: "deflate",
  },
  {
    name: "no-end-of-block",
    behaviour: "A Huffman code without an end-of-block symbol is accepted.",
    file: "assembly/deflate/inflate.ts",
    find: "if (!load<u8>(start, 256)) return INFLATE_ERROR_NO_END;",
    replace: "",
    target: "deflate",
  },
  {
    name: "window-of-another",
    behaviour: "A connection that loses its slot in the core returns with a window that is one byte short.",
    file: "src/deflate/core/incoming.ts",
    find: "    const length = this.#savedLength;",
    replace: "    const length = Math.max(0, this.#savedLength - 1);",
    target: "compression",
    seconds: 120,
  },
];
