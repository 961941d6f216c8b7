// Builds dist/ (bundles, types and compiled cores) and build/inspector/, which is not published. Run scripts/core.js
// first.

import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("..", import.meta.url));
rmSync(`${root}dist`, { recursive: true, force: true });

/** @type {import("esbuild").BuildOptions} */
const common = {
  absWorkingDir: root,
  bundle: true,
  splitting: true,
  format: "esm",
  target: "es2022",
  // Inlines the numbers of assembly/memory.ts but keeps names readable.
  minifySyntax: true,
  // Fields are assigned in the constructor instead of first being defined as undefined, which makes a Frame faster to
  // create.
  tsconfigRaw: { compilerOptions: { useDefineForClassFields: false } },
  sourcemap: true,
  sourcesContent: false,
  logLevel: "warning",
};

/** Under `workerd`, the cores are imported as modules instead of being compiled from bytes. */
const workerdModule = {
  name: "workerd-module",
  setup({ onResolve }) {
    onResolve({ filter: /\/module\.ts$/ }, ({ resolveDir }) => ({ path: `${resolveDir}/module.workerd.ts` }));
    onResolve({ filter: /^wsframe\/\w+\.wasm$/ }, ({ path }) => ({
      path: path.replace("wsframe", ".."),
      external: true,
    }));
  },
};

/** Resolves a source file to its built entry, whatever folder imports it. */
const builtEntry = (source, built) => ({
  name: built,
  setup({ onResolve }) {
    onResolve({ filter: /\/index\.ts$/ }, ({ path, resolveDir }) =>
      resolve(resolveDir, path) === `${root}${source}` ? { path: built, external: true } : undefined,
    );
  },
});
const mainEntry = builtEntry("src/index.ts", "./index.js");
const nodeEntry = builtEntry("src/node/index.ts", "./node.js");

await build({ ...common, entryPoints: ["src/index.ts"], platform: "neutral", outdir: "dist" });
const adapter = { ...common, splitting: false, plugins: [mainEntry] };
for (const name of ["node", "load"]) {
  await build({ ...adapter, entryPoints: { [name]: `src/${name}/index.ts` }, platform: "node", outdir: "dist" });
}
for (const name of ["crossws", "websocket"]) {
  const plugins = [mainEntry, nodeEntry];
  await build({
    ...adapter,
    plugins,
    entryPoints: { [name]: `src/${name}/index.ts` },
    platform: "node",
    outdir: "dist",
  });
}
for (const outdir of ["dist", "dist/workerd"]) {
  await build({ ...adapter, entryPoints: { streams: "src/streams/index.ts" }, platform: "neutral", outdir });
}
await build({
  ...common,
  entryPoints: ["src/index.ts"],
  platform: "neutral",
  outdir: "dist/workerd",
  plugins: [workerdModule],
});
await build({
  ...common,
  splitting: false,
  entryPoints: { cli: "src/cli/bin.ts" },
  platform: "node",
  // The command line uses the built package, and ws only if it is installed.
  external: ["wsframe", "wsframe/load", "ws"],
  outdir: "dist",
});
// wsframe/ws is one CommonJS bundle that contains the engine, for tools that cannot require() ES modules. The other
// entries stay ES modules.
await build({
  ...common,
  splitting: false,
  format: "cjs",
  entryPoints: { ws: "src/ws/cjs.ts" },
  platform: "node",
  outdir: "dist",
  outExtension: { ".js": ".cjs" },
  banner: { js: '"use strict";' },
  footer: { js: "module.exports = module.exports.default;" },
});
copyFileSync(`${root}src/ws/wrapper.mjs`, `${root}dist/ws.js`);
copyFileSync(`${root}src/ws/browser.cjs`, `${root}dist/ws-browser.cjs`);
for (const name of ["core.wasm", "deflate.wasm"]) copyFileSync(`${root}build/${name}`, `${root}dist/${name}`);
execFileSync(process.execPath, [`${root}node_modules/typescript/bin/tsc`, "-p", root], { stdio: "inherit" });
for (const name of ["ws.d.cts", "ws.d.mts"]) copyFileSync(`${root}src/ws/${name}`, `${root}dist/types/src/ws/${name}`);

// The inspector uses the built package.
const inspector = { ...common, splitting: false };
const pageFolder = `${root}build/inspector/page`;
mkdirSync(pageFolder, { recursive: true });
for (const name of ["index.html", "style.css", "icon.svg"]) {
  copyFileSync(`${root}src/inspector/page/${name}`, `${pageFolder}/${name}`);
}
await build({
  ...inspector,
  entryPoints: ["src/inspector/page/main.ts"],
  platform: "browser",
  sourcemap: false,
  outdir: "build/inspector/page",
});
await build({
  ...inspector,
  entryPoints: ["src/inspector/server/server.ts"],
  platform: "node",
  external: ["wsframe"],
  outdir: "build/inspector",
});
