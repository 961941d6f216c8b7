// npm run mutate -- FOLDER [FILES] [--all] [--sample PERCENT] [--seed NUMBER]
// Mutation testing of one folder of src/: StrykerJS changes the code in one place at a time, and the tests in
// test/mutation/folders.json must then fail. FILES (such as `decoder.ts`) limits the run to some files. Results of the
// last run are reused, except with --all. FOLDER may also be assembly, which has its own script in
// test/mutation/assembly/. Counts and survivors go to test/mutation/results/FOLDER.json.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import installStryker from "../test/mutation/install.js";
import { forgetUnsampled, reportOf, writeResults } from "../test/mutation/results.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const folders = JSON.parse(readFileSync(`${root}test/mutation/folders.json`, "utf8"));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    all: { type: "boolean", default: false },
    sample: { type: "string", default: "100" },
    seed: { type: "string", default: "1" },
  },
});
const [folder, ...files] = positionals;
const sample = { share: Number(values.sample) / 100, seed: Number(values.seed) };
if (folder === "assembly" && sample.share > 0) {
  const { mutateAssembly } = await import("../test/mutation/assembly/run.js");
  process.exit((await mutateAssembly({ files, all: values.all, sample })) > 0 ? 1 : 0);
}
if (folder === undefined || !Object.hasOwn(folders, folder) || !(sample.share > 0 && sample.share <= 1)) {
  const names = [...Object.keys(folders), "assembly"].join(", ");
  console.error(`npm run mutate -- FOLDER [FILES] [--all] [--sample PERCENT] [--seed NUMBER]; FOLDER: ${names}`);
  process.exit(2);
}

installStryker();
process.chdir(root);
// Read by vitest.config.ts and plugins.js.
process.env.MUTATED_FOLDER = folder;
process.env.MUTATION_SAMPLE = JSON.stringify(sample);
const report = `build/mutation-${folder}.json`;
forgetUnsampled(report);
const { Stryker } = await import(
  new URL("../test/mutation/node_modules/@stryker-mutator/core/dist/src/index.js", import.meta.url).href
);
const { tested } = await import("../test/mutation/plugins.js");
// Ctrl-C saves the results so far.
const writePart = () => {
  if (tested.length > 0) writeResults(folder, reportOf(tested));
};
process.once("exit", writePart);
await new Stryker({
  mutate: [
    ...(files.length > 0 ? files : ["**/*.ts"]).map((file) => `src/${folder}/${file}`),
    ...["embedded", "module.workerd"].map((generated) => `!src/**/${generated}.ts`),
  ],
  plugins: [
    "./test/mutation/plugins.js",
    "./test/mutation/node_modules/@stryker-mutator/vitest-runner/dist/src/index.js",
  ],
  ignorers: ["texts"],
  testRunner: "vitest",
  // Tests of memory need to collect garbage before they measure.
  testRunnerNodeArgs: ["--expose-gc"],
  vitest: { configFile: "test/mutation/vitest.config.ts", related: false },
  coverageAnalysis: "perTest",
  checkers: sample.share < 1 ? ["sample"] : [],
  concurrency: 1,
  // Killing a worker takes seconds, and mutants must not time out just because the machine is busy.
  timeoutMS: 10_000,
  timeoutFactor: 2,
  dryRunTimeoutMinutes: 15,
  incremental: true,
  incrementalFile: report,
  force: values.all,
  tempDirName: `build/mutation-${folder}`,
  ignorePatterns: ["/bench", "/docs", "/examples", "/packages", "/dist", "/build", "/test/mutation/results"],
  disableTypeChecks: false,
  reporters: ["notes", "progress-append-only"],
}).runMutationTest();
process.off("exit", writePart);
if (writeResults(folder, JSON.parse(readFileSync(report, "utf8"))) > 0) process.exitCode = 1;
