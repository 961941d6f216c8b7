// Which tests look for the mutants of a folder: those that are fast and about it. `npm run mutate` says which folder.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

const folders: Record<string, { readonly tests: string[] }> = JSON.parse(
  readFileSync(new URL("folders.json", import.meta.url), "utf8"),
);
const folder = process.env["MUTATED_FOLDER"] ?? "";

export default defineConfig({
  test: {
    include: folders[folder]?.tests ?? [],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    runner: fileURLToPath(new URL("runner.ts", import.meta.url)),
    isolate: false,
    fileParallelism: false,
  },
});
