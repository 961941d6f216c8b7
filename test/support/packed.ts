// Packs the packages as they are published, once for all parts that need them. The main one is also installed in an
// empty folder.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { npm } from "./npm.ts";

/** The packages, outside the repository. Tests copy the folder and do not change it. */
export interface Packed {
  /** The tarball of wsframe. */
  readonly tarball: string;
  /** The tarball of wsframe-ws. */
  readonly alias: string;
  /** A folder in which only wsframe is installed. */
  readonly folder: string;
}

declare module "vitest" {
  export interface ProvidedContext {
    packed: Packed;
  }
}

const root = fileURLToPath(new URL("../..", import.meta.url));

export default function setup({ vitest }: TestProject): (() => void) | undefined {
  // Every project shares the values of the root project, so the first one that needs the packages makes them for all.
  const shared = vitest.getRootProject();
  if ("packed" in shared.getProvidedContext()) return undefined;
  const scratch = mkdtempSync(join(tmpdir(), "wsframe-packed-"));
  const remove = () => rmSync(scratch, { recursive: true, force: true });
  try {
    shared.provide("packed", pack(scratch));
  } catch (error) {
    remove();
    throw error;
  }
  return remove;
}

function pack(scratch: string): Packed {
  // --ignore-scripts prevents a rebuild of dist/ while other processes use it.
  const packFrom = (from: string) =>
    join(scratch, npm(["pack", "--silent", "--ignore-scripts", "--pack-destination", scratch], from).trim());
  const tarball = packFrom(root);
  const alias = packFrom(join(root, "packages/wsframe-ws"));
  const folder = join(scratch, "installed");
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  // Works offline, because the package has no dependencies.
  npm(["install", "--offline", "--no-audit", "--no-fund", tarball], folder);
  return { tarball, alias, folder };
}
