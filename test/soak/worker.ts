// The child processes of a soak, as the main process sees them.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import type { Witnessed } from "./flat.ts";
import type { Heard, Said } from "./lines.ts";

/** How long a process may take to start and to return a sample, in milliseconds. */
const START = 60_000;
const SAMPLE = 60_000;

export class Worker {
  readonly name: string;
  readonly samples: Witnessed[] = [];
  /** See Witnessed. */
  idle = 0;
  readonly #child: ChildProcessByStdio<Writable, Readable, null>;
  readonly #hear: (heard: Heard) => void;
  #sampled: (() => void) | undefined = undefined;

  private constructor(name: string, command: readonly string[], hear: (heard: Heard) => void) {
    const [program, ...args] = command;
    this.name = name;
    this.#child = spawn(program!, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.#child.stdin.on("error", () => {});
    this.#hear = hear;
    createInterface(this.#child.stdout).on("line", (line) => {
      const heard = JSON.parse(line) as Heard;
      if (heard.type === "sample") {
        this.samples.push({ ...heard.sample, idle: this.idle });
        this.#sampled?.();
      }
      this.#hear(heard);
    });
  }

  /** Starts a process and waits until it is ready. @returns the worker and its ports */
  static async start(
    name: string,
    command: readonly string[],
    hear: (heard: Heard) => void,
  ): Promise<{ worker: Worker; ports: Readonly<Record<string, number>> }> {
    return new Promise((resolve, reject) => {
      const worker = new Worker(name, command, (heard) => {
        if (heard.type === "ready") resolve({ worker, ports: heard.ports });
        else hear(heard);
      });
      setTimeout(() => reject(new Error(`${name} has not started`)), START).unref();
      worker.#child.once("exit", (code, signal) => {
        reject(new Error(`${name} has not started`));
        // The run cannot continue without this process.
        if (!worker.#isEnding) {
          console.error(`${name} has ended: ${signal ?? code}`);
          process.exit(1);
        }
      });
    });
  }

  #isEnding = false;

  say(said: Said): void {
    this.#child.stdin.write(`${JSON.stringify(said)}\n`);
  }

  /** Requests a sample and waits for it. */
  sample(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`${this.name} does not answer`)), SAMPLE);
      this.#sampled = () => {
        clearTimeout(timer);
        resolve();
      };
      this.say({ type: "sample" });
    });
  }

  async end(): Promise<void> {
    this.#isEnding = true;
    const ended = once(this.#child, "exit");
    this.#child.stdin.end();
    await ended;
  }
}
