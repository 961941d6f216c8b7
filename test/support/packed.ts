// Before the tests: the packages as they are published, packed once for all parts that want them; the main one is also installed in an
// empty folder.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { TestProject } from "vitest/node";
import { npm } from "./npm.ts";

/** The packages, outside the repository. Tests copy the folder, and leave it as it is. */
export interface Packed {
  /** What would be published as wsframe. */
  readonly tarball: string;
  /** What would be published as wsframe-ws. */
  readonly alias: string;
  /** Where wsframe is installed, and nothing else. */
  readonly folder: string;
}

declare module "vitest" {
  export interface ProvidedContext {
    packed: Packed;
  }
}

const root = fileURLToPath(new URL("../..", import.meta.url));

export default function setup({ vitest }: TestProject): (() => void) | undefined {
  // What the root has is there for every project, so the first that wants it makes it for all.
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
  // --ignore-scripts: dist/ is not built again, while others are using it.
  const packFrom = (from: string) =>
    join(scratch, npm(["pack", "--silent", "--ignore-scripts", "--pack-destination", scratch], from).trim());
  const tarball = packFrom(root);
  const alias = packFrom(join(root, "packages/wsframe-ws"));
  const folder = join(scratch, "installed");
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), '{ "private": true }\n');
  // Without asking a registry: the package has no dependencies.
  npm(["install", "--offline", "--no-audit", "--no-fund", tarball], folder);
  return { tarball, alias, folder };
}
