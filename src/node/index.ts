// "wsframe/node": servers and clients on node:http, https and http2.

export { type AcceptedResponse, connect, type ConnectOptions } from "./connect.ts";
export type { Connection, ConnectionEvents, Ending, Pieces } from "./connection.ts";
export type { EventHandler, EventOf, EventType } from "./event-target.ts";
export { acceptStream } from "./http2.ts";
export type { ConnectionOptions } from "./options.ts";
export type { Refusal } from "./refusal.ts";
export { serve, type ServeOptions, type WebSocketServer } from "./serve.ts";
export { reject, upgrade, type UpgradeOptions } from "./upgrade.ts";
export type { Verdict, Verified } from "./verify.ts";
