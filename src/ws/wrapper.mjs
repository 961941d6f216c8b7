// What `import "wsframe/ws"` gives, once it is built: dist/ws.js.

import WebSocket from "./ws.cjs";

export const { createWebSocketStream, extension, PerMessageDeflate, Receiver, Sender, subprotocol, WebSocketServer } =
  WebSocket;
export { WebSocket };
export default WebSocket;
