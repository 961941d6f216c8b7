// Keeps cases that reached something new in a folder, for later runs.

import { createHash } from "node:crypto";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

export class Corpus {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  read(target: string): unknown[] {
    const folder = join(this.#folder, target);
    mkdirSync(folder, { recursive: true });
    return readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), "utf8")) as unknown);
  }

  add(target: string, one: unknown): void {
    const text = JSON.stringify(one);
    const hash = createHash("sha1").update(text).digest("hex").slice(0, 16);
    writeFileSync(join(this.#folder, target, `${hash}.json`), text);
  }
}
