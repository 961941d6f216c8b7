// Checks that scripts/release.js refuses before it changes a file. The steps that it then runs have their own tests.

import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";

const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "wsframe-release-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const manifest = { name: "wsframe", version: "0.1.0" };
const save = (file: string, text: string) => writeFileSync(join(folder, file), text);
const git = (...args: string[]) =>
  execFileSync("git", ["-c", "user.name=test", "-c", "user.email=test@localhost", ...args], { cwd: folder });
const commit = () => git("add", "-A") && git("commit", "--quiet", "--message", "change");
function release(...args: string[]): { status: number | null; stderr: string } {
  return spawnSync(process.execPath, ["scripts/release.js", ...args], { cwd: folder, encoding: "utf8" });
}

test("says what is missing, and changes nothing", () => {
  mkdirSync(join(folder, "scripts"));
  cpSync(join(root, "scripts/release.js"), join(folder, "scripts/release.js"));
  save("package.json", JSON.stringify({ ...manifest, type: "module" }));
  save("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2026-01-01\n\n### Added\n\n- All of it\n");
  git("init", "--quiet");
  commit();
  expect(release()).toMatchObject({ status: 2, stderr: expect.stringContaining("give it a version") });
  expect(release("next")).toMatchObject({ status: 2, stderr: expect.stringContaining("give it a version") });
  expect(release("0.2.0")).toMatchObject({ status: 2, stderr: expect.stringContaining("nothing under") });

  save("CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- More\n");
  expect(release("0.2.0")).toMatchObject({ status: 2, stderr: expect.stringContaining("commit or stash") });
  commit();
  expect(release("0.2.0")).toMatchObject({ status: 2, stderr: expect.stringContaining("`repository`") });
  git("tag", "v0.2.0");
  expect(release("0.2.0")).toMatchObject({ status: 2, stderr: expect.stringContaining("the tag v0.2.0 exists") });
  expect(JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))).toMatchObject(manifest);
});
