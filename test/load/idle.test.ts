// The memory of an idle connection, compared with ws.

import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";

const CONNECTIONS = 4000;
/** Includes garbage and compiled code, which differ from run to run. */
const TOLERANCE = 1.05;

function measure(name: "wsframe" | "ws"): number {
  const module = new URL("../../bench/e2e/idle.js", import.meta.url).href;
  const program = `import { measureIdle } from ${JSON.stringify(module)};
    const { heap } = await measureIdle("${name}", ${CONNECTIONS}, process.execPath);
    console.log(heap);`;
  const cwd = fileURLToPath(new URL("../..", import.meta.url));
  return Number(execFileSync(process.execPath, ["--input-type=module", "-e", program], { cwd, encoding: "utf8" }));
}

test("an idle connection takes no more heap than one of ws", () => {
  const ours = measure("wsframe");
  const theirs = measure("ws");
  expect(theirs).toBeGreaterThan(1000);
  expect(ours).toBeGreaterThan(1000);
  expect(ours / theirs).toBeLessThan(TOLERANCE);
});
