// Compiles a core in memory with one changed source.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { main as asc } from "assemblyscript/asc";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const { options, targets } = JSON.parse(readFileSync(`${root}asconfig.json`, "utf8"));

const sources = new Map();

/** @param {string} file relative to the root of the project */
export function sourceOf(file) {
  let source = sources.get(file);
  if (source === undefined) sources.set(file, (source = readFileSync(join(root, file), "utf8")));
  return source;
}

/**
 * @param {{ entry: string, target: string }} core its entry, and the name of its release build in asconfig.json
 * @param {"published" | "fast"} how like the published core, or without optimizations, which behaves the same and takes
 * a tenth of the time
 * @param {{ file: string, source: string }} [changed]
 * @returns {Promise<Uint8Array | undefined>} undefined if it does not compile
 */
export async function compile(core, how, changed) {
  const { initialMemory, maximumMemory, optimizeLevel, shrinkLevel } = targets[core.target];
  const levels = ["--optimizeLevel", String(optimizeLevel), "--shrinkLevel", String(shrinkLevel), "--converge"];
  let wasm;
  const { error } = await asc(
    [
      core.entry,
      ...["--runtime", options.runtime, "--noAssert", "--noColors", "--outFile", "core.wasm"],
      ...options.enable.flatMap((feature) => ["--enable", feature]),
      ...["--initialMemory", String(initialMemory), "--maximumMemory", String(maximumMemory)],
      ...(how === "published" ? levels : []),
    ],
    {
      readFile(name) {
        if (changed !== undefined && name === changed.file) return changed.source;
        try {
          return sourceOf(name);
        } catch {
          // The compiler looks in several places.
          return null;
        }
      },
      writeFile(name, contents) {
        if (name.endsWith(".wasm")) wasm = contents;
      },
      listFiles: () => [],
      stdout: { write() {} },
      stderr: { write() {} },
    },
  );
  return error === null ? wasm : undefined;
}
