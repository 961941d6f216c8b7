// npm run release -- VERSION [--dry-run] [--quick]
// Sets the version, builds, tests, checks contents, sizes and types of both packages, packs them, commits and tags. It
// prints the commands
// that push and publish. --quick runs only the tests of the packages. If a step fails, or with --dry-run, it restores
// the files it changed.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const root = fileURLToPath(new URL("..", import.meta.url));
const output = `${root}build/release`;
/** Files in which an override names the version. */
const OVERRIDES = ["README.md", "packages/wsframe-ws/README.md", "docs/migrating.md", "docs/frameworks.md"];
const CHANGED = ["package.json", "package-lock.json", "packages/wsframe-ws/package.json", "CHANGELOG.md", ...OVERRIDES];
const UNRELEASED = "## [Unreleased]";
/** In bytes, packed. */
const MOST = { wsframe: 1_000_000, "wsframe-ws": 5_000 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { "dry-run": { type: "boolean", default: false }, quick: { type: "boolean", default: false } },
});
const [version] = positionals;

/** @type {(command: string, args: string[], options?: import("node:child_process").ExecFileSyncOptions) => string} */
const run = (command, args, options) =>
  String(execFileSync(command, args, { cwd: root, encoding: "utf8", ...options }));
/** @type {(command: string, args: string[]) => void} */
const show = (command, args) => {
  console.log(`\n> ${command} ${args.join(" ")}`);
  execFileSync(command, args, { cwd: root, stdio: "inherit" });
};
const read = (file) => readFileSync(root + file, "utf8");
const write = (file, text) => writeFileSync(root + file, text);

function refuse(reason) {
  console.error(`release: ${reason}`);
  process.exit(2);
}

/** Everything that has to be true before a file is changed. */
function check() {
  if (!/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version ?? "")) refuse("give it a version: npm run release -- 0.2.0");
  if (run("git", ["status", "--porcelain"]) !== "") refuse("commit or stash your changes first");
  if (run("git", ["tag", "--list", `v${version}`]) !== "") refuse(`the tag v${version} exists`);
  const [, news = ""] = read("CHANGELOG.md").split(UNRELEASED);
  if (news.split("\n## ")[0].trim() === "") refuse(`CHANGELOG.md has nothing under "${UNRELEASED}"`);
  if (JSON.parse(read("package.json")).repository === undefined) {
    const reason = "package.json has no `repository`: without it, the README's links do not work on npm";
    if (!values["dry-run"]) refuse(reason);
    console.log(`Before a real release: ${reason}.`);
  }
}

function setVersion() {
  run("npm", ["version", version, "--no-git-tag-version", "--allow-same-version"]);
  const alias = JSON.parse(read("packages/wsframe-ws/package.json"));
  alias.version = version;
  alias.dependencies.wsframe = version;
  write("packages/wsframe-ws/package.json", `${JSON.stringify(alias, undefined, 2)}\n`);
  for (const file of OVERRIDES) write(file, read(file).replaceAll(/(?<=wsframe-ws@\^?)\d[\w.-]*/g, version));
  const date = new Date().toISOString().slice(0, 10);
  write("CHANGELOG.md", read("CHANGELOG.md").replace(UNRELEASED, `${UNRELEASED}\n\n## [${version}] - ${date}`));
}

/** The tests named last install both packages, and check contents, types and the sizes of bundles. */
function test() {
  show("npm", ["ci"]);
  show("npm", ["run", "--silent", "build:check"]);
  if (!values.quick) {
    show("npm", ["test"]);
    show("npm", ["run", "test:all"]);
  }
  show("npx", ["vitest", "run", "--project", "published", "test/package.test.ts", "test/types.test.ts"]);
}

/** @returns {string[]} the tarballs */
function pack() {
  rmSync(output, { recursive: true, force: true });
  mkdirSync(output, { recursive: true });
  console.log();
  return ["", "packages/wsframe-ws"].map((folder) => {
    // Run no scripts, because a rebuild could differ from the build that was tested.
    const args = ["pack", "--json", "--ignore-scripts", "--pack-destination", output];
    const [{ name, filename, size, unpackedSize, entryCount }] = JSON.parse(run("npm", args, { cwd: root + folder }));
    console.log(`${filename}: ${size} bytes, ${unpackedSize} unpacked, ${entryCount} files`);
    if (size > MOST[name]) throw new Error(`${filename} is larger than ${MOST[name]} bytes`);
    return `build/release/${filename}`;
  });
}

function restore() {
  run("git", ["checkout", "--quiet", "--", ...CHANGED]);
}

check();
/** @type {string[]} */
let tarballs = [];
try {
  setVersion();
  test();
  tarballs = pack();
} catch (error) {
  restore();
  refuse(`${error.message}\nNothing is tagged, and the files are as they were.`);
}
if (values["dry-run"]) {
  restore();
  console.log(`\nA dry run: nothing is committed or tagged. The packages are in build/release/.`);
} else {
  run("git", ["commit", "--quiet", "--message", `Release ${version}`, "--", ...CHANGED]);
  run("git", ["tag", "--annotate", `v${version}`, "--message", `wsframe ${version}`]);
  console.log(`\nCommitted and tagged v${version}. To publish it:\n\n  git push --follow-tags`);
  for (const tarball of tarballs) console.log(`  npm publish ${tarball}`);
}
