/// <reference types="node" preserve="true" />
// "wsframe/node": servers and clients on node:http, https and http2.

export type { ServerRequest } from "./caller.ts";
export { type AcceptedResponse, connect, type ConnectOptions } from "./connect.ts";
export type { Connection } from "./connection.ts";
export type {
  AddListenerOptions,
  ConnectionError,
  EventHandler,
  EventHandlerObject,
  EventListenerOf,
  EventOf,
  EventType,
} from "./event-target.ts";
export type { ConnectionEvents, Ending } from "./events.ts";
export { acceptStream } from "./http2.ts";
export type { ConnectionOptions } from "./options.ts";
export type { ControlOptions, MessageOptions, Overflow, Pieces, PiecesOptions, SentCallback } from "./outbox.ts";
export type { Refusal } from "./refusal.ts";
export { serve, type ServeOptions, type WebSocketServer } from "./serve.ts";
export { reject, upgrade, type UpgradeOptions } from "./upgrade.ts";
export type { Verdict, Verified } from "./verify.ts";
