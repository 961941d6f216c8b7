// A folder as a reader of the docs has it: the package is installed from its tarball, and so is what it is compared with.

import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "./pages.ts";

/** What the pages call these files. */
const FILES = {
  "capture.bin": "test/fixtures/captures/ws-ws-fragments/client.bin",
  "cert.pem": "test/fixtures/tls/cert.pem",
  "key.pem": "test/fixtures/tls/key.pem",
};

export interface Project {
  readonly folder: string;
  readonly tarball: string;
}

/** npm, without asking a registry: the package has no dependencies. */
export function install(folder: string, tarball: string): void {
  npm(["install", "--offline", "--no-audit", "--no-fund", tarball], folder);
}

export function makeProject(): Project {
  const folder = emptyFolder();
  // --ignore-scripts: dist/ has just been built, and others are using it.
  const [tarball] = npm(["pack", "--silent", "--ignore-scripts", "--pack-destination", folder], root)
    .trim()
    .split("\n");
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  install(folder, join(folder, tarball!));
  const modules = join(folder, "node_modules");
  for (const name of readdirSync(`${root}node_modules`)) {
    if (!existsSync(join(modules, name))) symlinkSync(`${root}node_modules/${name}`, join(modules, name));
  }
  return { folder, tarball: join(folder, tarball!) };
}

/** An empty folder, but for the files that the pages speak of. */
export function emptyFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "wsframe-docs-"));
  mkdirSync(folder, { recursive: true });
  for (const [name, file] of Object.entries(FILES)) copyFileSync(`${root}${file}`, join(folder, name));
  return folder;
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
