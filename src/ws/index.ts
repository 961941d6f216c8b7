// The public API of "wsframe/ws": that of the ws package.

export * as extension from "./extension.ts";
export * as subprotocol from "./subprotocol.ts";
export { WebSocketServer } from "./server.ts";
export { WebSocket, WebSocket as default } from "./web-socket.ts";
