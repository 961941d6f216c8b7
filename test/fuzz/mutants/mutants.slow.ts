// Checks that --check works, with a few seeded mutants from each kind of source.

import { expect, test } from "vitest";
import { checkMutant } from "../check.ts";
import { DEFAULT_SETTINGS } from "../settings.ts";
import { MUTANTS } from "./index.ts";

const QUICK = ["mask-rotation", "pause-keeps-chunk"];

test.each(QUICK)("mutant %s is found", { timeout: 180_000 }, async (name) => {
  const mutant = MUTANTS.find((each) => each.name === name)!;
  const { finding } = await checkMutant(mutant, 1, { ...DEFAULT_SETTINGS, node: true });
  expect(finding).toBeDefined();
});

test("a mutant that changes nothing is not found", { timeout: 60_000 }, async () => {
  const [mutant] = MUTANTS;
  const { finding } = await checkMutant({ ...mutant!, replace: mutant!.find, seconds: 3 }, 1, DEFAULT_SETTINGS);
  expect(finding).toBeUndefined();
});
