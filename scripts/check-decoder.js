// npm run check-decoder: bundles test/reference/peers/main.ts, which is TypeScript, and runs it.

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
const outfile = `${root}build/check-decoder.js`;

/** Makes import.meta.url refer to the source file instead of the bundle, so that modules find their files. */
const ownUrls = {
  name: "own URLs",
  setup(bundle) {
    bundle.onLoad({ filter: /[\\/]test[\\/].*\.ts$/ }, ({ path }) => {
      const source = readFileSync(path, "utf8");
      return { contents: source.replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href)), loader: "ts" };
    });
  },
};

await build({
  absWorkingDir: root,
  entryPoints: ["test/reference/peers/main.ts"],
  bundle: true,
  format: "esm",
  platform: "node",
  packages: "external",
  plugins: [ownUrls],
  outfile,
  logLevel: "warning",
});
const { status } = spawnSync(process.execPath, [outfile, ...process.argv.slice(2)], { stdio: "inherit" });
process.exit(status ?? 1);
