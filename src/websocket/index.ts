/// <reference types="node" preserve="true" />
// "wsframe/websocket": the WebSocket of browsers, for Node.

export type {
  WebSocketCloseEvent,
  WebSocketErrorEvent,
  WebSocketEventMap,
  WebSocketHandler,
  WebSocketListener,
  WebSocketListenerOptions,
  WebSocketMessageEvent,
} from "./events.ts";
export type { WebSocketInit, WebSocketOptions } from "./options.ts";
export { WebSocket } from "./web-socket.ts";
