// If an internal of Node that direct reads and writes use is missing, they are not used, and everything works.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { bundleSources } from "../support/program.ts";

const file = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

const folder = bundleSources();

interface Way {
  readonly reads: boolean;
  /** Direct writes, and writes through the queue of the stream. */
  readonly direct: number;
  readonly queued: number;
}

interface Result {
  /** The first message whose echo was wrong; -1 for none. */
  readonly wrong: number;
  readonly count: number;
  readonly code: number;
  readonly server: Way;
  readonly client: Way;
  /** Calls of methods that the program has overridden. */
  readonly overridden: number;
}

async function run(hidden: string, options: object): Promise<Result> {
  const url = pathToFileURL(join(folder(), "wsframe.mjs")).href;
  const args = [file("echo-program.js"), url, hidden, JSON.stringify(options)];
  const { stdout, stderr } = await promisify(execFile)(process.execPath, args, { timeout: 30_000 });
  expect(stderr).toBe("");
  return JSON.parse(stdout) as Result;
}

const ON = { directReads: true, directWrites: true };
const linux = process.platform === "linux";

describe.concurrent("direct reads and writes", { timeout: 60_000 }, () => {
  test.each([
    // The hidden internal, the options, and the remaining direct paths.
    ["nothing", {}, linux, linux],
    ["nothing", ON, true, true],
    ["nothing", { ...ON, directReads: false }, false, true],
    ["nothing", { ...ON, directWrites: false }, true, false],
    ["nothing", { directReads: false, directWrites: false }, false, false],
    ["symbols", ON, false, true],
    ["one symbol", ON, false, true],
    ["symbols, with an exception", ON, false, true],
    ["the end of the probe", ON, false, true],
    ["the class", ON, false, false],
    ["useUserBuffer", ON, false, true],
    ["push of the class", ON, false, true],
    ["push of the socket", ON, false, true],
    ["_write of the class", ON, true, true],
    ["_write of the socket", ON, true, false],
    ["runtime", ON, false, false],
    ["platform", {}, false, false],
    ["platform", ON, true, true],
  ])("hidden: %s; options: %o; reads: %s; writes: %s", async (hidden, options, reads, writes) => {
    const result = await run(hidden, options);
    expect(result).toMatchObject({ wrong: -1, count: 78, code: 1000 });
    for (const way of [result.server, result.client]) {
      expect(way.reads).toBe(reads);
      // Writes of several parts always go through the queue.
      if (writes) expect(way.direct).toBeGreaterThan(40);
      else expect(way.direct).toBe(0);
      if (!writes) expect(way.queued).toBeGreaterThan(40);
    }
    // An overridden method is never bypassed.
    if (hidden.startsWith("_write")) {
      const { server, client } = result;
      expect(result.overridden).toBeGreaterThanOrEqual(server.direct + client.direct);
      expect(result.overridden).toBeGreaterThan(80);
    }
    if (hidden.startsWith("push")) expect(result.overridden).toBeGreaterThan(80);
  });
});
