// Bun: its WebSocket, and its server.

import { dialWith, withClient, withServer } from "./ours.ts";
import { Peer, runtime } from "./process.ts";
import { suite } from "./suite.ts";

suite("serve(), and Bun's WebSocket", {
  open: withClient(dialWith(new Peer([runtime("bun"), "whatwg_client.ts"]))),
  lacks: ["fragments"],
});

suite("connect(), and Bun's server", {
  open: withServer(new Peer([runtime("bun"), "bun_server.js"])),
  // Its close() says 1000.
  lacks: ["fragments", "closing without a code"],
});
