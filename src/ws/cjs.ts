// What `require("wsframe/ws")` gives: the class, with all else as its statics, as ws has it. This is the one form of the code that is
// built; wrapper.mjs makes an ES module of it, so a program that has both forms has one class.

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
