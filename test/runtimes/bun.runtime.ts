import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { expectedReport, expectedSockets, expectedWs, STREAM_BOTH } from "./expected.ts";
import { fixture, type Host, startHost } from "./host.ts";
import { findRuntime, run } from "./support.ts";

const bun = findRuntime("Bun", "@oven/bun-linux-x64/bin/bun", /^\d+\.\d+\.\d+/);

let host: Host;
beforeAll(async () => {
  host = await startHost(inject("folder"));
});
afterAll(() => host?.close());

describe.skipIf(!bun)("Bun", () => {
  const runtime = `Bun ${bun?.version}`;
  // Prevents Bun from installing missing packages from npm.
  const start = (...args: string[]) => run(bun!.executable, ["--no-install", ...args]);

  test("the WASM core, the captures, connections without sockets", async () => {
    const expected = expectedReport({ core: "wasm", deflates: true });
    expect(await start("main.mjs", host.origin)).toEqual({ runtime, ...expected });
  });

  test("require() loads the same package", async () => {
    const expected = expectedReport({ core: "wasm", deflates: true, withCaptures: false });
    expect(await start("main.cjs")).toEqual({ runtime, ...expected });
  });

  test("servers and clients of wsframe/node", async () => {
    const found = await start("sockets.mjs", host.origin, fixture("tls"));
    expect(found).toEqual({ runtime, ...expectedSockets({ directReads: false }) });
  });

  test("servers and clients of wsframe/ws", async () => {
    expect(await start("ws.mjs", host.origin)).toEqual({ runtime, ...expectedWs() });
  });

  test("wsframe/streams over its sockets", async () => {
    const expected = { runtime, "node:net": STREAM_BOTH, "Bun.connect": STREAM_BOTH };
    expect(await start("streams.mjs", host.origin)).toEqual(expected);
  });
});
