// Runs in workerd, the runtime of Cloudflare's Workers, with a bundle made under its conditions like wrangler's, and
// the cores as modules.

import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { build } from "esbuild";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { expectedReport, STREAM_CLIENT, STREAM_COMPRESSED } from "./expected.ts";
import { type Host, startHost } from "./host.ts";
import { findRuntime } from "./support.ts";

const workerd = findRuntime("workerd", "@cloudflare/workerd-linux-64/bin/workerd", /\d{4}-\d\d-\d\d/);

let host: Host;
let child: ChildProcess | undefined;
/** Keyed by the name of the service. */
const origins: Record<string, string> = {};

/**
 * Two services of one worker: without Node's modules, as Workers used to be, and with them, as is the default today.
 */
const config = (today: string) => `using Workerd = import "/workerd/workerd.capnp";
const modules :List(Workerd.Worker.Module) = [
  (name = "worker.js", esModule = embed "worker.js"),
  (name = "core.wasm", wasm = embed "core.wasm"),
  (name = "deflate.wasm", wasm = embed "deflate.wasm"),
];
const config :Workerd.Config = (
  services = [
    (name = "old", worker = (modules = .modules, compatibilityDate = "2024-01-01", globalOutbound = "loopback")),
    (name = "new", worker = (modules = .modules, compatibilityDate = "${today}", globalOutbound = "loopback")),
    (name = "loopback", network = (allow = ["local"])),
  ],
  sockets = [
    (name = "old", address = "127.0.0.1:0", http = (), service = "old"),
    (name = "new", address = "127.0.0.1:0", http = (), service = "new"),
  ],
);
`;

beforeAll(async () => {
  if (!workerd) return;
  const folder = inject("folder");
  host = await startHost(folder);
  const cores = new Set<string>();
  await build({
    absWorkingDir: folder,
    entryPoints: ["worker.mjs"],
    outfile: join(folder, "worker.js"),
    bundle: true,
    format: "esm",
    conditions: ["workerd", "worker", "browser"],
    external: ["cloudflare:sockets"],
    plugins: [
      {
        name: "modules of wasm stay modules",
        setup({ onResolve }) {
          onResolve({ filter: /\.wasm$/ }, ({ path, resolveDir }) => {
            cores.add(join(resolveDir, path));
            return { path: `./${basename(path)}`, external: true };
          });
        },
      },
    ],
  });
  for (const core of cores) copyFileSync(core, join(folder, basename(core)));
  writeFileSync(join(folder, "workerd.capnp"), config(workerd.version));
  await start(folder);
});

/** Waits until it listens. It reports its ports on its third descriptor. */
async function start(folder: string): Promise<void> {
  child = spawn(workerd!.executable, ["serve", "--control-fd=3", "workerd.capnp"], {
    cwd: folder,
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  });
  for await (const line of createInterface(child.stdio[3] as Readable)) {
    const { event, socket, port } = JSON.parse(line) as { event: string; socket: string; port: number };
    if (event === "listen") origins[socket] = `http://127.0.0.1:${port}`;
    if (Object.keys(origins).length === 2) return;
  }
  throw new Error("workerd did not start");
}

afterAll(() => {
  child?.kill();
  host?.close();
});

async function ask(service: string, path: string): Promise<unknown> {
  const response = await fetch(`${origins[service]}${path}?origin=${encodeURIComponent(host.origin)}`);
  const text = await response.text();
  if (!response.ok) throw new Error(text);
  return JSON.parse(text);
}

describe.skipIf(!workerd)("workerd", () => {
  const runtime = "Cloudflare-Workers";

  test("the WASM core as a module, the captures, connections without sockets", async () => {
    expect(await ask("old", "/")).toEqual({ runtime, ...expectedReport({ core: "wasm", deflates: true }) });
  });

  test("the same with today's defaults of Workers", async () => {
    expect(await ask("new", "/")).toEqual({ runtime, ...expectedReport({ core: "wasm", deflates: true }) });
  });

  test("wsframe/streams over the sockets of connect()", async () => {
    expect(await ask("old", "/streams")).toEqual({ runtime, ...STREAM_CLIENT, ...STREAM_COMPRESSED });
    expect(await ask("new", "/streams")).toEqual({ runtime, ...STREAM_CLIENT, ...STREAM_COMPRESSED });
  });
});
