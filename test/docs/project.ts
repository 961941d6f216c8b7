// A folder as a reader of the docs has it: the package is installed from its tarball, and so is what it is compared with.

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./pages.ts";

/** The files that the pages speak of. */
const FILES = {
  "capture.bin": "test/fixtures/captures/ws-ws-fragments/client.bin",
  "cert.pem": "test/fixtures/tls/cert.pem",
  "key.pem": "test/fixtures/tls/key.pem",
};

export interface Project {
  /** Where nothing is installed but the package. */
  readonly bare: string;
  /** Where there are the peers too: all that is installed for this repository. */
  readonly folder: string;
  readonly tarball: string;
}

/** npm, without asking a registry: the package has no dependencies. */
export function install(folder: string, tarball: string): void {
  // Without --prefix it would go to a package.json of a folder above, if there is one.
  npm(["install", "--prefix", folder, "--offline", "--no-audit", "--no-fund", tarball], folder);
}

export function makeProject(): Project {
  const [bare, folder] = [emptyFolder(), emptyFolder()];
  // --ignore-scripts: dist/ has just been built, and others are using it.
  const packed = npm(["pack", "--silent", "--ignore-scripts", "--pack-destination", bare], root);
  const tarball = join(bare, packed.trim());
  for (const each of [bare, folder]) {
    install(each, tarball);
    for (const [name, file] of Object.entries(FILES)) copyFileSync(`${root}${file}`, join(each, name));
  }
  const modules = join(folder, "node_modules");
  for (const name of readdirSync(`${root}node_modules`)) {
    if (!existsSync(join(modules, name))) symlinkSync(`${root}node_modules/${name}`, join(modules, name));
  }
  return { bare, folder, tarball };
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

function npm(args: readonly string[], cwd: string): string {
  return execFileSync("npm", args, { cwd, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
}

/** A port that is free, and that the system gives to nobody who asks for any. */
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
