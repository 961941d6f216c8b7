// The parts of assembly/ for mutation testing, and the tests for each.

export const core = { name: "core", entry: "assembly/index.ts", target: "release" };
export const deflate = { name: "deflate", entry: "assembly/deflate/index.ts", target: "deflate-release" };

/**
 * The mutated files and the tests that must find the mutants, fastest first. Left out are memory.ts, which is the
 * layout that both sides share, index.ts, which only exports, and warm.ts, which only affects time.
 */
export const PARTS = {
  frames: {
    core,
    files: ["decode", "encode", "header", "mask", "utf8"].map((name) => `assembly/${name}.ts`),
    tests: [
      ...["cores", "mask", "headers", "utf8-strings", "decoder", "isolation", "encoder"],
      ...["utf8-pairs", "exhaustive/utf8"],
    ].map((name) => `test/${name}.test.ts`),
  },
  deflating: {
    core: deflate,
    files: ["block", "deflate", "huffman", "matcher", "writer"].map((name) => `assembly/deflate/${name}.ts`),
    tests: ["core/output", "core/deflate", "fuzzing"].map((name) => `test/deflate/${name}.test.ts`),
  },
  inflating: {
    core: deflate,
    files: ["codes", "inflate"].map((name) => `assembly/deflate/${name}.ts`),
    tests: ["core/inflate", "fuzzing"].map((name) => `test/deflate/${name}.test.ts`),
  },
};

/** Parts of the names of tests that are left out: of code that is not mutated, or slow although fast tests cover the same code. */
export const OTHERS =
  /portable|1 GiB passes|in batches of every kind|queuedBytes is never less|takeInto|^a decoder on/;
