import type { IncomingMessage } from "node:http";

/** A request that upgrade() accepts. */
export const REQUEST: IncomingMessage = {
  method: "GET",
  url: "/",
  httpVersion: "1.1",
  headers: {
    host: "x",
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
  },
} as unknown as IncomingMessage;
