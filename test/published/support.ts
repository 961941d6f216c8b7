// A project with the override of the documentation, installed from a registry that has our packages.

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

/** What a page says to add to package.json: its first block of JSON. */
export function documentedOverride(page = "packages/wsframe-ws/README.md"): { overrides: Record<string, string> } {
  const block = /```json\n([^`]*)```/.exec(readFileSync(join(root, page), "utf8"))?.[1];
  return JSON.parse(block!) as { overrides: Record<string, string> };
}

/** A new folder with a package.json. Remove it in the end. */
export function emptyProject(manifest: object): string {
  const folder = mkdtempSync(join(tmpdir(), "wsframe-project-"));
  writeFileSync(join(folder, "package.json"), JSON.stringify(manifest));
  return folder;
}

/** The project of the fixtures, with the override, installed. Remove it in the end. */
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

/** What a lock says is installed: folders and versions. */
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
