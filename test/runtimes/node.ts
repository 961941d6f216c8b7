// The tests for every version of Node. Each version has its own file, so that they run in parallel.

import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { expectedReport, expectedSockets, expectedWs, STREAM_BOTH } from "./expected.ts";
import { fixture, type Host, startHost } from "./host.ts";
import { findRuntime, run } from "./support.ts";

/** The newest version also decodes the captures without a compiler, which takes five times as long. */
const NEWEST = 26;

export function testNode(major: number): void {
  const node = findRuntime(`Node ${major}`, `node-${major}/bin/node`, new RegExp(`^v${major}\\..*`, "m"));
  describe.skipIf(!node)(`Node ${major}`, () => {
    const { executable, version } = node ?? { executable: "", version: "" };
    const runtime = `Node ${version}`;
    let host: Host;
    beforeAll(async () => {
      host = await startHost(inject("folder"));
    });
    afterAll(() => host?.close());

    test("import: the WASM core, the captures, connections without sockets", async () => {
      const expected = expectedReport({ core: "wasm", deflates: true });
      expect(await run(executable, ["main.mjs", host.origin])).toEqual({ runtime, ...expected });
    });

    test("require() loads the same package", async () => {
      const expected = expectedReport({ core: "wasm", deflates: true, withCaptures: false });
      expect(await run(executable, ["main.cjs"])).toEqual({ runtime, ...expected });
    });

    test("uses the portable core without a compiler", async () => {
      const withCaptures = major === NEWEST;
      const expected = expectedReport({ core: "portable", deflates: true, withCaptures });
      const program = withCaptures ? ["main.mjs", host.origin] : ["main.cjs"];
      expect(await run(executable, ["--jitless", ...program])).toEqual({ runtime, ...expected });
    });

    test("servers and clients of wsframe/node", async () => {
      // Node 20 has WebSocket behind a flag.
      const flags = major === 20 ? ["--experimental-websocket"] : [];
      const found = await run(executable, [...flags, "sockets.mjs", host.origin, fixture("tls")]);
      expect(found).toEqual({ runtime, ...expectedSockets({ directReads: true }) });
    });

    test("servers and clients of wsframe/ws", async () => {
      expect(await run(executable, ["ws.mjs", host.origin])).toEqual({ runtime, ...expectedWs() });
    });

    test("wsframe/streams over its sockets", async () => {
      expect(await run(executable, ["streams.mjs", host.origin])).toEqual({ runtime, "node:net": STREAM_BOTH });
    });
  });
}
