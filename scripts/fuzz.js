// npm run fuzz: bundles the fuzzer, which is TypeScript, and runs it.

import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
await build({
  absWorkingDir: root,
  entryPoints: ["test/fuzz/main.ts"],
  bundle: true,
  format: "esm",
  platform: "node",
  packages: "external",
  outfile: "build/fuzz.js",
  logLevel: "warning",
});
const { status } = spawnSync(process.execPath, [`${root}build/fuzz.js`, ...process.argv.slice(2)], {
  stdio: "inherit",
});
process.exit(status ?? 1);
