// npm run test:nodes -- [versions] [files or folders]
// Runs socket tests on other versions of Node. By default, it runs test/connection and test/node on every version that
// test/runtimes installs.

import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import installRuntimes from "../test/runtimes/install.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const runtimes = `${root}test/runtimes/`;
const { optionalDependencies } = JSON.parse(readFileSync(`${runtimes}package.json`, "utf8"));
const known = Object.keys(optionalDependencies).flatMap((name) => /^node-(\d+)$/.exec(name)?.[1] ?? []);

const args = process.argv.slice(2);
const isVersion = (arg) => /^\d+$/.test(arg);
const versions = args.some(isVersion) ? args.filter(isVersion) : known;
const wanted = args.some((arg) => !isVersion(arg))
  ? args.filter((arg) => !isVersion(arg))
  : ["test/connection", "test/node"];
const unknown = versions.filter((version) => !known.includes(version));
if (unknown.length > 0) {
  console.error(`Unknown Node version ${unknown.join(", ")}. test/runtimes/package.json has ${known.join(", ")}`);
  process.exit(2);
}
const files = wanted.filter((file) => existsSync(`${root}${file}`));
if (files.length === 0) {
  console.log(`Nothing to run on Node ${versions.join(", ")}: no files match ${wanted.join(", ")}`);
  process.exit();
}

installRuntimes();

const results = versions.map((version) => {
  const executable = `${runtimes}node_modules/node-${version}/bin/node`;
  if (!existsSync(executable)) return { version, result: "not installed", isGood: !process.env.CI };
  console.log(`\nOn Node ${version}`);
  const vitest = [
    `${root}node_modules/vitest/vitest.mjs`,
    "run",
    "--project",
    "main",
    "--project",
    "patient",
    ...files,
  ];
  const { status } = spawnSync(executable, vitest, { cwd: root, stdio: "inherit" });
  return { version, result: status === 0 ? "passed" : "failed", isGood: status === 0 };
});
console.log(results.map(({ version, result }) => `Node ${version}: ${result}`).join("\n"));
if (results.some(({ isGood }) => !isGood)) process.exitCode = 1;
