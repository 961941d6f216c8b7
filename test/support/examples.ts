// Runs the examples by the commands in their README.

import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createConnection } from "node:net";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";
import { fileURLToPath } from "node:url";

export const examples: string = fileURLToPath(new URL("../../examples/", import.meta.url));

/** Longer than an example may take to end, in milliseconds. That is 10 s with peers that do not answer a Close. */
const END_TIMEOUT = 15_000;

/** An example in the list of the README. */
export interface Listed {
  /** A file in the folder or, with a trailing slash, a folder. */
  readonly name: string;
  /** The command that runs it, which is the last code of its list item. */
  readonly command: string;
}

export function readList(): Listed[] {
  const items = readFileSync(`${examples}README.md`, "utf8").split(/^- /m).slice(1);
  return items.map((item) => {
    const name = /^\[`([\w./-]+)`\]/.exec(item)?.[1];
    const command = /`([^`]+)`$/.exec(item.split("\n\n", 1)[0]!.trimEnd())?.[1];
    if (name === undefined || command === undefined) throw new Error(`Not an item of examples/README.md: ${item}`);
    return { name, command: command.replace(/\s+/g, " ") };
  });
}

/** The words of an example's command, without shell syntax such as `< file`. */
export function commandOf(name: string): string[] {
  const found = readList().find((listed) => listed.name === name);
  if (found === undefined) throw new Error(`${name} is not in examples/README.md`);
  return found.command.split(" < ")[0]!.split(" ");
}

export interface RunOptions {
  /** The folder in which wsframe is installed, with examples/ in it. */
  readonly folder: string;
  /** Replaces the first word of the command. Default for `node`: the current Node. */
  readonly executable?: string | undefined;
  /** Replaces the words of the command after the file name. */
  readonly args?: readonly string[];
  readonly env?: Record<string, string>;
  /** Replaces the flags between the program and the file. */
  readonly flags?: readonly string[];
  /** The port of a program that does not print when it listens. */
  readonly port?: number;
}

/** A running example. */
export interface Running {
  /** The address in the first line that it prints. */
  readonly url: string;
  readonly child: ChildProcess;
  /** Everything that it has written to stdout and stderr. */
  output(): string;
  /** Sends a signal. Resolves with the exit code when the process has ended. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

/** Starts an example that is a server, by its command in the README. Resolves when it listens. */
export async function startExample(name: string, options: RunOptions): Promise<Running> {
  const { folder, executable, args = ["0"], env, port } = options;
  const words = commandOf(name);
  const file = words.findIndex((word) => word.startsWith("examples/"));
  const program = executable ?? (words[0] === "node" ? process.execPath : words[0]!);
  const { flags = words.slice(1, file) } = options;
  const child = spawn(program, [...flags, words[file]!, ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  child.stderr!.on("data", (chunk) => (output += chunk));
  const ended = once(child, "close");
  const url = await new Promise<string>((resolve, reject) => {
    createInterface(child.stdout!).on("line", (line) => {
      output += `${line}\n`;
      const found = /listening on (\S+?),?(\s|$)/.exec(line)?.[1];
      if (found) resolve(found);
    });
    void ended.then(() => reject(new Error(`${name} ended before it listened:\n${output}`)));
    child.once("error", reject);
    if (port !== undefined) void untilConnected(port, child).then(() => resolve(`tcp://127.0.0.1:${port}`));
  });
  return {
    url,
    child,
    output: () => output,
    async stop(signal = "SIGTERM") {
      child.kill(signal);
      // No hanging process outlives the tests.
      const timer = setTimeout(() => child.kill("SIGKILL"), END_TIMEOUT);
      await ended;
      clearTimeout(timer);
      return child.exitCode;
    },
  };
}

/** Waits until the port accepts connections or the process has ended. */
async function untilConnected(port: number, child: ChildProcess): Promise<void> {
  while (child.exitCode === null) {
    const socket = createConnection(port, "127.0.0.1");
    const connected = await new Promise<boolean>((resolve) => {
      socket.once("connect", () => resolve(true));
      socket.once("error", () => resolve(false));
    });
    socket.destroy();
    if (connected) return;
    await delay(50);
  }
}
