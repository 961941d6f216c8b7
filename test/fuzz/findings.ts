// Stores findings as files named TARGET-hash.json, with the finding and its case. test/fuzz/findings.test.ts runs each
// again.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export interface SavedFinding {
  readonly target: string;
  readonly finding: string;
  readonly case: unknown;
}

/** @returns the path of the file */
export function saveFinding(folder: string, saved: SavedFinding): string {
  mkdirSync(folder, { recursive: true });
  const hash = createHash("sha1").update(JSON.stringify(saved.case)).digest("hex").slice(0, 10);
  const path = join(folder, `${saved.target}-${hash}.json`);
  writeFileSync(path, `${JSON.stringify(saved, undefined, 2)}\n`);
  return path;
}

export function readFinding(path: string): SavedFinding {
  return JSON.parse(readFileSync(path, "utf8")) as SavedFinding;
}

/** The names of the files. */
export function listFindings(folder: string): string[] {
  return readdirSync(folder).filter((name) => name.endsWith(".json"));
}
