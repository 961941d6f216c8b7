// Tests against the client and the server of ws.

import { ourClient, TLS, withClient } from "./ours.ts";
import { suite } from "./suite.ts";
import { dialWs, wsServer } from "./ws.ts";

suite("serve(), and the client of ws", { open: withClient(dialWs) });

suite("serve() with TLS, and the client of ws", { open: withClient(dialWs, { scheme: "wss", options: { tls: TLS } }) });

suite("connect(), and the server of ws", {
  async open(options = {}) {
    const { port, report } = await wsServer(options.deflate ?? false);
    return { ours: await ourClient(`ws://127.0.0.1:${port}/`, options), report };
  },
});
