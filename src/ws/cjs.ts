// The export of `require("wsframe/ws")`: the class, with everything else as its statics, as in ws. Only this form is built;
// wrapper.mjs turns it into an ES module, so a program that loads both gets the same class.

import {
  createWebSocketStream,
  extension,
  PerMessageDeflate,
  Receiver,
  Sender,
  subprotocol,
  WebSocket,
  WebSocketServer,
} from "./index.ts";

const exported: typeof WebSocket = Object.assign(WebSocket, {
  createWebSocketStream,
  extension,
  PerMessageDeflate,
  Receiver,
  Sender,
  Server: WebSocketServer,
  subprotocol,
  WebSocket,
  WebSocketServer,
});

export default exported;
