// The public API of "wsframe/ws", which is the API of ws.

export * as extension from "./extension.ts";
export { PerMessageDeflate } from "./per-message-deflate.ts";
export { Receiver } from "./receiver.ts";
export { Sender } from "./sender.ts";
export { WebSocketServer } from "./server.ts";
export { createWebSocketStream } from "./stream.ts";
export * as subprotocol from "./subprotocol.ts";
export { WebSocket, WebSocket as default } from "./web-socket.ts";
