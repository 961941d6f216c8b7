// The source of dist/ws.js, the module that `import "wsframe/ws"` loads.

import WebSocket from "./ws.cjs";

export const { createWebSocketStream, extension, PerMessageDeflate, Receiver, Sender, subprotocol, WebSocketServer } =
  WebSocket;
export { WebSocket };
export default WebSocket;
