// Runs the programs in programs/ with the installed frameworks, and peers in other languages.

import { type ChildProcess, spawn, type SpawnOptions } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { onTestFinished } from "vitest";
import { Queue } from "../peers/support/queue.ts";
import { type Implementation, implementation, installed } from "./installed.ts";

/** The time limit of a program, in milliseconds. A program that does not end after everything is closed fails, too. */
const LIMIT = 50_000;

/** Whether the frameworks are installed with this implementation. In CI they always are, because the setup fails otherwise. */
export function isInstalled(name: Implementation): boolean {
  return existsSync(join(installed[name], name === "ws" ? "node_modules/.package-lock.json" : "stamp"));
}

/** For describe.skipIf(): prints one line if the frameworks are not installed. */
export const isMissing: boolean = !isInstalled(implementation);
if (isMissing) console.log(`Skipped: the frameworks are not installed with ${implementation}`);

/** The path of a file in an installed package. */
export function installedFile(path: string): string {
  return join(installed[implementation], "node_modules", path);
}

export interface RunOptions {
  readonly ws?: Implementation;
  /** The executable of Node. Default: the one that runs the tests. */
  readonly executable?: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** A process that reads and prints lines of JSON, and ends when its input does. */
export class Peer {
  readonly #child: ChildProcess;
  readonly #lines: Queue<unknown>;
  readonly #ended: Promise<void>;

  /** @param command the program and its arguments. It is stopped at the end of the test */
  constructor([executable, ...args]: readonly [string, ...string[]], options: Pick<SpawnOptions, "cwd" | "env"> = {}) {
    const child = spawn(executable, args, { ...options, stdio: "pipe", timeout: LIMIT });
    const name = args.find((argument) => /\.(js|py)$/.test(argument)) ?? executable;
    this.#child = child;
    this.#lines = new Queue(`a line of ${name}`);
    let said = "";
    child.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)));
    child.stdin.on("error", () => {});
    createInterface(child.stdout).on("line", (line) => this.#lines.push(JSON.parse(line)));
    this.#ended = new Promise((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code, signal) => {
        if (code === 0) resolve();
        else reject(new Error(`${name} ended with ${code ?? signal}\n${said}`));
      });
    });
    this.#ended.catch(() => {});
    onTestFinished(() => void child.kill("SIGKILL"));
  }

  /** The value of its next line. @throws Error with its stderr, if it fails before */
  next(): Promise<unknown> {
    const line = this.#lines.next(LIMIT);
    line.catch(() => {});
    return Promise.race([line, this.#ended.then(() => line)]);
  }

  write(value: unknown): void {
    this.#child.stdin!.write(`${JSON.stringify(value)}\n`);
  }

  /** Ends its input, and waits until it has ended. @throws Error with its stderr, if it fails */
  async end(): Promise<void> {
    this.#child.stdin!.end();
    await this.#ended;
  }

  /** The value of the first line, after it has ended. For programs without input. */
  async report(): Promise<unknown> {
    const report = await this.next();
    await this.end();
    return report;
  }
}

/** A program in programs/. */
export class Program extends Peer {
  constructor(name: string, args: readonly string[] = [], options: RunOptions = {}) {
    const { ws = implementation, executable = process.execPath, env } = options;
    super([executable, join("programs", name), ...args], { cwd: installed[ws], env: { ...process.env, ...env } });
  }
}

/** Runs a program to its end; resolves with the value of its first line. */
export function run(name: string, args: readonly string[] = [], options: RunOptions = {}): Promise<unknown> {
  return new Program(name, args, options).report();
}
