// Source changes that record which branches of src/ and assembly/ a run has reached. test/fuzz/coverage.ts collects the
// records.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type AssemblyFile, GLOBAL } from "../coverage.ts";
import type { Change } from "./bundle.ts";
import { marked } from "./marks.ts";

/** Files that are generated or not fuzzed. */
const LEFT_OUT = /embedded\.ts$|module\.workerd\.ts$|^src\/(?:inspector|cli)\//;

/** For TypeScript. */
export const markTypeScript: Change = (file, source) => {
  if (!file.startsWith("src/") || LEFT_OUT.test(file)) return source;
  const mark = (id: number): string => `(__marks[${id}] || __hit(${id}))`;
  const { source: made, lines } = marked(file, source, { mark, expressions: true });
  if (lines.length === 0) return source;
  // On the first line, because code after it may run while the file loads, and so that no line number changes.
  return `var [__marks, __hit] = globalThis.${GLOBAL}.register(${JSON.stringify(file)}, [${lines.join()}]); ${made}`;
};

const WORD = 32;

export interface AssemblyMarks {
  readonly change: Change;
  readonly files: readonly AssemblyFile[];
}

/**
 * The change for AssemblyScript: one exported global variable per 32 marks. A mark in memory would need space there,
 * and a call to JavaScript would be too slow.
 */
export function markAssembly(root: string, before: Change): AssemblyMarks {
  const sources = new Map<string, string>();
  const files: AssemblyFile[] = [];
  for (const folder of ["assembly", "assembly/deflate"]) {
    const exports: string[] = [];
    for (const name of readdirSync(join(root, folder)).sort()) {
      const file = `${folder}/${name}`;
      // These files contain only numbers that src/ also imports.
      if (!name.endsWith(".ts") || name === "index.ts" || name === "memory.ts") continue;
      const prefix = `cov_${file.replaceAll(/\W/g, "_")}_`;
      const { source, lines } = marked(file, before(file, readFileSync(join(root, file), "utf8")), {
        mark: (id) => `${prefix}${Math.floor(id / WORD)} |= ${1 << (id % WORD)}`,
        expressions: false,
      });
      const words = Array.from({ length: Math.ceil(lines.length / WORD) }, (_, i) => `${prefix}${i}`);
      if (words.length === 0) continue;
      // On the first line, because declarations must precede their uses.
      sources.set(file, `${words.map((word) => `export let ${word}: i32 = 0;`).join(" ")} ${source}`);
      exports.push(`export { ${words.join(", ")} } from "./${name.slice(0, -3)}";`);
      files.push({ file, lines, words });
    }
    const index = `${folder}/index.ts`;
    sources.set(index, `${readFileSync(join(root, index), "utf8")}${exports.join("\n")}\n`);
  }
  return { change: (file, source) => sources.get(file) ?? source, files };
}
