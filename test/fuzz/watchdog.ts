// Detects a case that never ends, writes it to a file, and ends the process.

import { Worker } from "node:worker_threads";
import type { Target } from "./target.ts";

/** The space for a case, in bytes. Longer cases are not written. */
const ROOM = 4 << 20;
/** Positions in the shared memory: the turn, which is 0 while nothing runs, and the length of the text that follows. */
const TURN = 0;
const LENGTH = 1;
const HEADER = 8;

/** A thread that checks whether the turn advances. The main thread is busy with the case. */
const SCRIPT = `
  const { writeFileSync } = require("node:fs");
  const { workerData: { memory, path, longest } } = require("node:worker_threads");
  const numbers = new Int32Array(memory, 0, 2);
  let turn = 0;
  let since = Date.now();
  setInterval(() => {
    const now = Atomics.load(numbers, ${TURN});
    if (now === 0 || now !== turn) {
      turn = now;
      since = Date.now();
    } else if (Date.now() - since > longest) {
      writeFileSync(path, Buffer.from(new Uint8Array(memory, ${HEADER}, Atomics.load(numbers, ${LENGTH}))));
      process.kill(process.pid, "SIGKILL");
    }
  }, 500);
`;

export interface Stuck {
  readonly target: string;
  /** The case. Undefined if it was too long. */
  readonly case?: unknown;
}

export class Watchdog {
  readonly #memory = new SharedArrayBuffer(HEADER + ROOM);
  readonly #numbers = new Int32Array(this.#memory, 0, 2);
  readonly #bytes = Buffer.from(this.#memory, HEADER);
  readonly #worker: Worker;
  #turn = 0;

  /** @param path the file for a case that does not end @param longest the longest time for a case, in ms */
  constructor(path: string, longest: number) {
    this.#worker = new Worker(SCRIPT, { eval: true, workerData: { memory: this.#memory, path, longest } });
    this.#worker.unref();
  }

  /** Call it before a case, and without arguments after it. */
  watch(target?: Target, one?: unknown): void {
    if (target === undefined) {
      Atomics.store(this.#numbers, TURN, 0);
      return;
    }
    const stuck: Stuck = { target: target.name, case: one };
    const json = JSON.stringify(stuck);
    const text = json.length * 3 < ROOM ? json : JSON.stringify({ target: target.name });
    Atomics.store(this.#numbers, LENGTH, this.#bytes.write(text));
    this.#turn = (this.#turn % 0x3fff_ffff) + 1;
    Atomics.store(this.#numbers, TURN, this.#turn);
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }
}
