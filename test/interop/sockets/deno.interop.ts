// Tests against Deno's WebSocket and its server.

import { describe, expect, test } from "vitest";
import { dialWith, ourClient, withClient, withServer } from "./ours.ts";
import { Peer, runtime } from "./process.ts";
import { suite } from "./suite.ts";

const deno = runtime("Deno", "@deno/linux-x64-glibc/deno");

describe.skipIf(deno === undefined)("Deno", () => {
  const client = new Peer([deno!, "run", "--allow-all", "--no-config", "whatwg_client.ts"]);
  const server = new Peer([deno!, "run", "--allow-all", "--no-config", "deno_server.js"]);

  const lacks = ["fragments", "pings", "telling pings", "telling pongs", "compression"] as const;

  /** Kills it. The next test starts a new one. */
  const die = (peer: Peer) => {
    peer.kill();
    peer.start();
  };

  suite("serve(), and its WebSocket", {
    open: withClient(dialWith(client)),
    lacks,
    // Deno reports no code for a connection that was cut.
    oddities: { cut: 0 },
    abort: () => die(client),
  });

  suite("connect(), and its server", {
    open: withServer(server),
    lacks,
    // Deno reports no code for a connection that was cut.
    oddities: { cut: 0 },
    abort: () => die(server),
  });

  test("the pings of its server keep a silent connection of ours open", async () => {
    const { plain } = await server.ports();
    const { connection, pings, errors } = await ourClient(`ws://127.0.0.1:${plain}/idle/1`);
    // Deno sends a Ping after half a second without data, and times out after a second without an answer.
    await pings.take(4);
    connection.send("still there");
    expect(connection.readyState).toBe(1);
    expect(errors).toEqual([]);
  });
});
