// Bundles the part of the fuzzer that runs targets, applying changes to src/ and assembly/ along the way.

import { readFileSync } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join, relative, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import type { AssemblyFile } from "../coverage.ts";
import { compileCore, CORES } from "./assembly.ts";
import { markAssembly, markTypeScript } from "./instrument.ts";

/** Changes the source of a file of the project; `file` is relative to its root. */
export type Change = (file: string, source: string) => string;

export interface BundleSettings {
  readonly changes: readonly Change[];
  /** Whether assembly/ also changes and must be compiled. */
  readonly assembly: boolean;
  /** Whether to mark branches, so that a run sees what it reaches. */
  readonly coverage: boolean;
}

export interface Bundle {
  readonly folder: string;
  /** The script to run, inside the folder of the bundle. */
  readonly path: string;
  /** The marks in assembly/, if `coverage` is on. */
  readonly marks: readonly AssemblyFile[];
  remove(): Promise<void>;
}

/** @param root the root folder of the project */
export async function bundleRunner(root: string, { changes, assembly, coverage }: BundleSettings): Promise<Bundle> {
  const changed: Change = (file, source) => changes.reduce((left, change) => change(file, left), source);
  const marks = coverage ? markAssembly(root, changed) : undefined;
  const embedded = new Map<string, string>();
  if (assembly || marks !== undefined) {
    for (const core of CORES) embedded.set(core.embedded, await compileCore(root, core, marks?.change ?? changed));
  }
  const final: Change = (file, source) => {
    const made = embedded.get(file);
    if (made !== undefined) return made;
    return coverage ? markTypeScript(file, changed(file, source)) : changed(file, source);
  };
  await mkdir(join(root, "build/fuzz"), { recursive: true });
  // Each run has its own folder, because its chunks are loaded while it runs and other runs may be active.
  const folder = await mkdtemp(join(root, "build/fuzz/run-"));
  await build({
    absWorkingDir: root,
    entryPoints: ["test/fuzz/run.ts"],
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    packages: "external",
    sourcemap: true,
    sourcesContent: false,
    outdir: folder,
    logLevel: "warning",
    plugins: [sources(root, final)],
  });
  return {
    folder,
    path: join(folder, "run.js"),
    marks: marks?.files ?? [],
    remove: () => rm(folder, { recursive: true, force: true }),
  };
}

function sources(root: string, changed: Change): Plugin {
  return {
    name: "sources",
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const file = relative(root, resolve(path));
        if (file.startsWith("node_modules")) return undefined;
        const source = changed(file, readFileSync(path, "utf8"));
        // Tests read their fixtures relative to their source files.
        const contents = source.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href));
        return { contents, loader: "ts" };
      });
    },
  };
}
