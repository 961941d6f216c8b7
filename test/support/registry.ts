// An npm registry on 127.0.0.1 with the project's packages as they would be published. It gets every other package from
// npm's usual registry. For parts with test/published/install.js in their setup.

import { type ChildProcess, execFile, fork } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { npm } from "./npm.ts";

const server = fileURLToPath(new URL("../published/", import.meta.url));

/** Whether the registry is installed. With `CI` set, the setup would have failed otherwise. */
export const hasRegistry: boolean = existsSync(join(server, "node_modules/verdaccio"));

/** A running registry. Stop it at the end. */
export interface Registry {
  /** Such as `http://127.0.0.1:4873/`. */
  readonly url: string;
  /** Runs npm in a folder with this registry. Resolves with its output. */
  npm(args: readonly string[], cwd: string): Promise<string>;
  /** Publishes a folder with a package.json, or a tarball. Only names that begin with `wsframe` are accepted. */
  publish(what: string): Promise<void>;
  /** Ends the process and removes its storage. */
  stop(): Promise<void>;
}

/** Starts a registry without any packages of its own. */
export async function startRegistry(): Promise<Registry> {
  const storage = mkdtempSync(join(tmpdir(), "wsframe-registry-"));
  const setting = (name: string) => npm(["config", "get", name], tmpdir()).trim();
  const ca = setting("cafile");
  const child = fork(join(server, "registry.js"), [storage, setting("registry"), ...(ca === "null" ? [] : [ca])], {
    execArgv: [],
    stdio: ["ignore", "pipe", "pipe", "ipc"],
  });
  const port = await firstMessage(child);
  const url = `http://127.0.0.1:${port}/`;
  // The registry needs no login, but npm requires a token.
  const args = ["--registry", url, `--${url.slice("http:".length)}:_authToken=anybody`, "--no-audit", "--no-fund"];
  const run = async (command: readonly string[], cwd: string) => {
    const { stdout } = await promisify(execFile)("npm", [...command, ...args], { cwd, encoding: "utf8" });
    return stdout;
  };
  return {
    url,
    npm: run,
    publish: async (what) => void (await run(["publish", what, "--ignore-scripts", "--tag", "latest"], tmpdir())),
    async stop() {
      const ended = once(child, "exit");
      child.kill();
      await ended;
      rmSync(storage, { recursive: true, force: true });
    },
  };
}

/** The port of the server. @throws Error with its output if it exits first */
async function firstMessage(child: ChildProcess): Promise<number> {
  let output = "";
  for (const stream of [child.stdout, child.stderr])
    stream?.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const [first] = (await Promise.race([once(child, "message"), once(child, "exit")])) as unknown[];
  if (child.exitCode !== null) throw new Error(`The registry did not start:\n${output}`);
  return Number(first);
}
