// Python's wsproto and websockets, each in its own process that lives as long as it is needed.

import { type ChildProcessByStdio, spawn, spawnSync } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { concat } from "../serialize.ts";
import { type Found, hex, type Input, lengthOf, type Peer } from "./peer.ts";

const script = fileURLToPath(new URL("python_peer.py", import.meta.url));

/** The number of bytes that the streams of one request may have. */
const BATCH_BYTES = 1 << 20;
/** Longer than any run. A leftover child exits by itself after this time, in ms. */
const LIFETIME = 600_000;

type Answer = [events: string[], error: [closeCode: number | null, after: number] | null];

/** A child process that answers one request at a time. */
class Child {
  readonly #process: ChildProcessByStdio<Writable, Readable, null>;
  readonly #output: AsyncIterator<Buffer>;
  #held: Buffer = Buffer.alloc(0);

  constructor(python: string, library: string) {
    this.#process = spawn(python, [script, library], { stdio: ["pipe", "pipe", "inherit"], timeout: LIFETIME });
    // The parent can exit without waiting for an idle child.
    this.#process.unref();
    this.#output = this.#process.stdout[Symbol.asyncIterator]();
  }

  async ask(request: unknown): Promise<unknown> {
    const json = Buffer.from(JSON.stringify(request));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(json.length);
    this.#process.stdin.write(Buffer.concat([length, json]));
    return this.read();
  }

  async read(): Promise<unknown> {
    const length = (await this.#bytes(4)).readUInt32BE();
    return JSON.parse((await this.#bytes(length)).toString());
  }

  stop(): void {
    this.#process.kill();
  }

  async #bytes(count: number): Promise<Buffer> {
    const parts = [this.#held];
    for (let have = this.#held.length; have < count;) {
      const { value, done } = await this.#output.next();
      if (done) throw new Error("The Python peer has ended");
      parts.push(value);
      have += value.length;
    }
    const all = Buffer.concat(parts);
    this.#held = all.subarray(count);
    return all.subarray(0, count);
  }
}

/** The positions where the stream is cut. */
function cutsOf(chunks: Input["chunks"]): number[] {
  let at = 0;
  return chunks.slice(0, -1).map((chunk) => (at += chunk.length));
}

/** A Python that has this library. */
export function pythonWith(library: string): string | undefined {
  for (const python of ["python3", "/usr/bin/python3"]) {
    if (spawnSync(python, ["-c", `import ${library}`], { timeout: 10_000 }).status === 0) return python;
  }
  return undefined;
}

/** The libraries for which the script has adapters. */
export type PythonLibrary = "wsproto" | "websockets";

/** Returns undefined if Python or the library is missing. */
export async function pythonPeer(library: PythonLibrary): Promise<Peer | undefined> {
  const python = pythonWith(library);
  if (python === undefined) return undefined;
  const child = new Child(python, library);
  return {
    name: library,
    version: String(await child.read()),
    roles: ["server", "client"],
    async run(inputs) {
      const all: Found[] = [];
      for (let i = 0; i < inputs.length;) {
        const from = i;
        for (let bytes = 0; i < inputs.length && bytes < BATCH_BYTES; i++) bytes += lengthOf(inputs[i]!.chunks);
        const request = inputs.slice(from, i).map(({ role, chunks }) => [role, hex(concat(chunks)), cutsOf(chunks)]);
        for (const [events, error] of (await child.ask(request)) as Answer[]) {
          all.push({ events, error: error ? { closeCode: error[0] ?? undefined, after: error[1] } : undefined });
        }
      }
      return all;
    },
    stop: () => child.stop(),
  };
}
