// A project with the documented override, installed from a registry that has our packages.

import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { inject } from "vitest";
import { type Registry, startRegistry } from "../support/registry.ts";

const fixtures = fileURLToPath(new URL("../fixtures/published", import.meta.url));
const root = fileURLToPath(new URL("../..", import.meta.url));

/** A registry with wsframe, wsframe-ws and a package that depends on ws. */
export async function startWithPackages(): Promise<Registry> {
  const registry = await startRegistry();
  const { tarball, alias } = inject("packed");
  for (const what of [tarball, alias, join(fixtures, "user-of-ws")]) await registry.publish(what);
  return registry;
}

/** The addition to package.json in the README, which is its first JSON block. */
export function documentedOverride(): { overrides: Record<string, string> } {
  return JSON.parse(blocksOf("packages/wsframe-ws/README.md", "json")[0]!) as { overrides: Record<string, string> };
}

/** The code blocks of a page in a language. */
export function blocksOf(page: string, language: string): string[] {
  const blocks = readFileSync(join(root, page), "utf8").matchAll(/^```(\w+)\n([^`]*)```/gm);
  return [...blocks].flatMap(([, name, code]) => (name === language ? [code!] : []));
}

/** A new folder with a package.json. Remove it at the end. */
export function emptyProject(manifest: object): string {
  const folder = mkdtempSync(join(tmpdir(), "wsframe-project-"));
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  return folder;
}

/** The project of the fixtures with the override, installed. Remove it at the end. */
export async function overriddenProject(registry: Registry): Promise<string> {
  const project = join(fixtures, "project");
  const manifest = JSON.parse(readFileSync(join(project, "package.json"), "utf8")) as object;
  const folder = emptyProject({});
  try {
    cpSync(project, folder, { recursive: true });
    writeFileSync(join(folder, "package.json"), JSON.stringify({ ...manifest, ...documentedOverride() }));
    await registry.npm(["install"], folder);
  } catch (error) {
    rmSync(folder, { recursive: true, force: true });
    throw error;
  }
  return folder;
}

/** The folders and versions in a lock. */
export function installed(folder: string): Record<string, string> {
  const lock = JSON.parse(readFileSync(join(folder, "package-lock.json"), "utf8")) as {
    packages: Record<string, { name?: string; version: string }>;
  };
  return Object.fromEntries(
    Object.entries(lock.packages).flatMap(([path, { name, version }]) =>
      path === "" ? [] : [[path, `${name ?? path.slice("node_modules/".length)} ${version}`]],
    ),
  );
}
