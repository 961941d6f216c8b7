// Selects the tests for the mutants of a folder: those that are fast and test its code. `npm run mutate` sets the
// folder.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

const root = fileURLToPath(new URL("../../", import.meta.url));
const folders: Record<string, { readonly tests: string[] }> = JSON.parse(
  readFileSync(new URL("folders.json", import.meta.url), "utf8"),
);
const tests = folders[process.env["MUTATED_FOLDER"] ?? ""]?.tests ?? [];

/** The names that match a pattern with one choice in braces. */
function namesOf(pattern: string): string[] {
  const [, before = "", choices = "", after = ""] = /^(.*)\{(.*)\}(.*)$/.exec(pattern) ?? [];
  return choices === "" ? [pattern] : choices.split(",").map((choice) => before + choice + after);
}

/**
 * Runs the files in the order of folders.json, which lists files first that load quickly and find most. The first
 * failure ends a run.
 */
class InOrder extends BaseSequencer {
  static readonly #names = tests.flatMap((pattern) => namesOf(pattern));

  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const placeOf = ({ moduleId }: TestSpecification): number => InOrder.#names.indexOf(moduleId.slice(root.length));
    return files.toSorted((a, b) => placeOf(a) - placeOf(b));
  }
}

export default defineConfig({
  test: {
    include: tests,
    testTimeout: 30_000,
    hookTimeout: 30_000,
    runner: fileURLToPath(new URL("runner.ts", import.meta.url)),
    sequence: { sequencer: InOrder },
    isolate: false,
    fileParallelism: false,
  },
});
