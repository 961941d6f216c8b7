// npm run soak -- [--seconds N] [--seed N] [--server wsframe|ws] [--rate KIB_PER_SECOND]
// Bundles the processes of test/soak/, which are TypeScript, and runs the main one.

import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import installRuntimes from "../test/runtimes/install.js";

const root = fileURLToPath(new URL("..", import.meta.url));
// Chromium is driven by a package that is installed with the runtimes.
installRuntimes();
/** @type {import("esbuild").BuildOptions} */
const common = { absWorkingDir: root, outbase: "test/soak", outdir: "build/soak", bundle: true, logLevel: "warning" };
const clients = ["ws", "undici", "wsframe", "chromium"].map((name) => `clients/${name}`);
await build({
  ...common,
  entryPoints: ["main", "proxy", "server-wsframe", "server-ws", ...clients].map((name) => `test/soak/${name}.ts`),
  format: "esm",
  platform: "node",
  packages: "external",
  // Makes the bundles look for installed packages next to the sources.
  define: { "import.meta.url": JSON.stringify(new URL("../test/support/chromium.ts", import.meta.url).href) },
});
await build({ ...common, entryPoints: ["test/soak/clients/page.ts"], format: "iife", platform: "browser" });
const child = spawn(process.execPath, ["build/soak/main.js", ...process.argv.slice(2)], {
  cwd: root,
  stdio: "inherit",
});
for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) process.on(signal, () => child.kill(signal));
child.once("exit", (code) => process.exit(code ?? 1));
