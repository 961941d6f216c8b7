// npm run fuzz: bundles test/fuzz/main.ts, which is TypeScript, and runs it.

import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const command = `${root}build/fuzz/command.js`;
await build({
  absWorkingDir: root,
  entryPoints: ["test/fuzz/main.ts"],
  bundle: true,
  format: "esm",
  platform: "node",
  packages: "external",
  outfile: command,
  logLevel: "warning",
});
process.chdir(root);
const { main } = await import(pathToFileURL(command).href);
process.exitCode = await main(process.argv.slice(2));
