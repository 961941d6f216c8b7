// Checks that the seeded mutants still fit the code. `npm run fuzz -- --check` checks that they are found.

import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { TARGETS } from "../targets.ts";
import { occurrences } from "./apply.ts";
import { MUTANTS } from "./index.ts";

test.each(MUTANTS)("the text that mutant $name replaces occurs once in $file", (mutant) => {
  expect(occurrences(mutant, readFileSync(new URL(`../../../${mutant.file}`, import.meta.url), "utf8"))).toBe(1);
  expect(mutant.replace).not.toBe(mutant.find);
  expect(Object.keys(TARGETS)).toContain(mutant.target);
});

test("all mutants have different names", () => {
  const names = MUTANTS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
});
