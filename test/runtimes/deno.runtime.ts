import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { expectedReport, expectedSockets, expectedWs, STREAM_BOTH } from "./expected.ts";
import { fixture, type Host, startHost } from "./host.ts";
import { findRuntime, run } from "./support.ts";

const deno = findRuntime("Deno", "@deno/linux-x64-glibc/deno", /(?<=^deno )\d+\.\d+\.\d+/);

let host: Host;
beforeAll(async () => {
  host = await startHost(inject("folder"));
});
afterAll(() => host?.close());

describe.skipIf(!deno)("Deno", () => {
  const runtime = `Deno ${deno?.version}`;
  /** Grants only these permissions. */
  const start = (permissions: readonly string[], ...args: string[]) => {
    const flags = ["--no-prompt", "--no-remote", "--node-modules-dir=manual", ...permissions];
    return run(deno!.executable, ["run", ...flags, ...args]);
  };
  const net = "--allow-net=127.0.0.1";

  test("the WASM core, the captures, connections without sockets", async () => {
    const expected = expectedReport({ core: "wasm", deflates: true });
    expect(await start([net], "main.mjs", host.origin)).toEqual({ runtime, ...expected });
  });

  test("servers and clients of wsframe/node", async () => {
    const tls = fixture("tls");
    const found = await start([net, `--allow-read=${tls}`], "sockets.mjs", host.origin, tls);
    expect(found).toEqual({ runtime, ...expectedSockets({ directReads: false }) });
  });

  test("servers and clients of wsframe/ws", async () => {
    expect(await start([net], "ws.mjs", host.origin)).toEqual({ runtime, ...expectedWs() });
  });

  test("wsframe/streams over its sockets", async () => {
    const expected = { runtime, "node:net": STREAM_BOTH, "Deno.Conn": STREAM_BOTH };
    expect(await start([net], "streams.mjs", host.origin)).toEqual(expected);
  });
});
