// A folder like that of a reader of the docs: the package is installed from its tarball, together with the packages it
// is compared with.

import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inject } from "vitest";
import { newFolder } from "../support/installed.ts";
import { npm } from "../support/npm.ts";
import { root } from "./pages.ts";

/** The files that the pages mention. */
const FILES = {
  "capture.bin": "test/fixtures/captures/ws-ws-fragments/client.bin",
  "cert.pem": "test/fixtures/tls/cert.pem",
  "key.pem": "test/fixtures/tls/key.pem",
};

export interface Project {
  /** A folder in which only the package is installed. */
  readonly bare: string;
  /** A folder that also has the peers and everything else that is installed for this repository. */
  readonly folder: string;
}

/** Installs the package from the tarball, as a reader does. */
export function install(folder: string): void {
  // Without --prefix, npm would use a package.json in a parent folder, if there is one.
  npm(["install", "--prefix", folder, "--offline", "--no-audit", "--no-fund", inject("packed").tarball], folder);
}

export function makeProject(): Project {
  const [bare, folder] = [newFolder(), newFolder()];
  made.push(bare, folder);
  for (const each of [bare, folder]) {
    for (const [name, file] of Object.entries(FILES)) copyFileSync(`${root}${file}`, join(each, name));
  }
  const modules = join(folder, "node_modules");
  for (const name of readdirSync(`${root}node_modules`)) {
    if (!existsSync(join(modules, name))) symlinkSync(`${root}node_modules/${name}`, join(modules, name));
  }
  return { bare, folder };
}

const made: string[] = [];

export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "wsframe-docs-"));
  made.push(folder);
  return folder;
}

export function removeFolders(): void {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
}

/** A free port outside the range from which the system assigns ports. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once("error", () => resolve(false));
      server.listen(port, () => resolve(true));
    });
    if (!isFree) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}
