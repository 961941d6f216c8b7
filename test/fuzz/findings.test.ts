// Runs every recorded finding of the fuzzer again.

import { fileURLToPath } from "node:url";
import { join } from "node:path";
import { expect, test } from "vitest";
import { listFindings, readFinding } from "./findings.ts";
import { outcomeOf } from "./outcome.ts";
import { DEFAULT_SETTINGS } from "./settings.ts";
import { TARGETS } from "./targets.ts";

const folder = fileURLToPath(new URL("findings", import.meta.url));
const names = listFindings(folder);

test("every finding in the folder is named after a target", () => {
  for (const name of names) expect(Object.keys(TARGETS)).toContain(readFinding(join(folder, name)).target);
});

test.each(names)("%s has been fixed", async (name) => {
  const saved = readFinding(join(folder, name));
  const target = await TARGETS[saved.target]!.load({ ...DEFAULT_SETTINGS, node: true });
  expect((await outcomeOf(target, saved.case)).finding).toBeUndefined();
});
