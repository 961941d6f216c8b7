// Bundles the tests of a core into one file that gets the compiled core from outside.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));

/** Makes import.meta.url refer to the source files, and replaces the modules that load a core. */
const plugin = {
  name: "mutants",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^vitest$/ }, () => ({ path: `${here}vitest.js` }));
    onResolve({ filter: /^wsframe(\/|$)/ }, ({ path }) => ({
      path: `${root}src/${path === "wsframe" ? "" : `${path.slice("wsframe/".length)}/`}index.ts`,
    }));
    onLoad({ filter: /\/src\/(core|deflate\/core)\/module\.ts$/ }, ({ path }) => ({
      contents: `export const ${path.includes("deflate") ? "deflateModule" : "coreModule"} = () =>
        globalThis.mutant.${path.includes("deflate") ? "deflate" : "core"};`,
    }));
    onLoad({ filter: /\/test\/.*\.ts$/ }, ({ path }) => ({
      loader: "ts",
      contents: readFileSync(path, "utf8").replaceAll("import.meta.url", JSON.stringify(pathToFileURL(path).href)),
    }));
  },
};

/**
 * @param {readonly string[]} tests files relative to the root of the project
 * @param {string} outfile
 */
export async function bundle(tests, outfile) {
  const imports = tests.map((file) => `import ${JSON.stringify(join(root, file))};`);
  await build({
    stdin: {
      contents: `${imports.join("\n")}\nexport { runTests } from "vitest";`,
      resolveDir: here,
      sourcefile: "all.js",
    },
    bundle: true,
    // The sideEffects of package.json apply to src/, but not to tests.
    ignoreAnnotations: true,
    format: "esm",
    platform: "node",
    target: "node20",
    packages: "external",
    plugins: [plugin],
    outfile,
    logLevel: "warning",
  });
}
