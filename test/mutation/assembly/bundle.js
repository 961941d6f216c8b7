// The tests of a core as one file, for which the compiled core comes from outside.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const here = fileURLToPath(new URL(".", import.meta.url));

/** Where sources look for what is beside them, and where they get the compiled core. */
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
 * @param {readonly string[]} tests files, from the root of the project
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
    // What package.json says of src/ does not hold for tests.
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
