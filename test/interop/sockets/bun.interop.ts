// Tests against Bun's WebSocket and its server.

import { describe } from "vitest";
import { dialWith, withClient, withServer } from "./ours.ts";
import { Peer, runtime } from "./process.ts";
import { suite } from "./suite.ts";

const bun = runtime("Bun", "@oven/bun-linux-x64/bin/bun");

describe.skipIf(bun === undefined)("Bun", () => {
  suite("serve(), and its WebSocket", {
    open: withClient(dialWith(new Peer([bun!, "whatwg_client.ts"]))),
    lacks: ["fragments"],
  });

  suite("connect(), and its server", {
    open: withServer(new Peer([bun!, "bun_server.js"])),
    // Bun's close() sends 1000.
    lacks: ["fragments", "closing without a code"],
  });
});
