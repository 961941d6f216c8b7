// A short soak with all clients, for both servers.

import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { expect, test } from "vitest";

const script = fileURLToPath(new URL("../../scripts/soak.js", import.meta.url));

test.each(["wsframe", "ws"])("15 s with a server on %s", { timeout: 300_000 }, async (server) => {
  const run = promisify(execFile)(process.execPath, [script, "--seconds", "15", "--seed", "1", "--server", server]);
  const { stdout } = await run.catch((error: { stdout: string }) => error);
  expect(stdout).toContain("nothing is wrong");
  // Some connections were cut, and most were not.
  const [, clean, cut] = /\| +all \| +(\d+) \| +(\d+) \|/.exec(stdout)!.map(Number);
  expect(clean).toBeGreaterThan(10);
  expect(cut).toBeGreaterThan(0);
});
