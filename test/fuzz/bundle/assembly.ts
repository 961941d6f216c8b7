// Compiles a core from changed sources. scripts/core.js does the same for the unchanged ones.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { main as asc } from "assemblyscript/asc";

/** Changes the source of a file of assembly/; `file` is relative to the root. */
export type AssemblyChange = (file: string, source: string) => string;

export interface CoreSource {
  readonly entry: string;
  readonly target: string;
  /** The file of src/ that embeds the core. `constant` is the name of its constant there. */
  readonly embedded: string;
  readonly constant: string;
}

export const CORES: readonly CoreSource[] = [
  { entry: "assembly/index.ts", target: "release", embedded: "src/core/embedded.ts", constant: "CORE_HEX" },
  {
    entry: "assembly/deflate/index.ts",
    target: "deflate-release",
    embedded: "src/deflate/core/embedded.ts",
    constant: "DEFLATE_HEX",
  },
];

/** @returns the source of the file that embeds the core @throws Error if it does not compile */
export async function compileCore(root: string, core: CoreSource, change: AssemblyChange): Promise<string> {
  let wasm: Uint8Array | undefined;
  const { error, stderr } = await asc(
    [core.entry, "--target", core.target, "--baseDir", root, "--config", "asconfig.json"],
    {
      async readFile(name, baseDir) {
        const source = await readFile(join(baseDir, name), "utf8").catch(() => null);
        return source === null || !name.startsWith("assembly/") ? source : change(name, source);
      },
      writeFile(name, contents) {
        if (name.endsWith(".wasm")) wasm = contents as Uint8Array;
      },
      listFiles: () => null,
    },
  );
  if (error !== null || wasm === undefined) throw new Error(`${core.entry} does not compile: ${stderr.toString()}`);
  return `export const ${core.constant}: string = "${Buffer.from(wasm).toString("hex")}";\n`;
}
