// Whatever asks for ws, in whatever form, gets one class.

import { createRequire } from "node:module";
import WebSocket, * as ws from "ws";
import * as own from "wsframe/ws";
import * as user from "wsframe-test-user-of-ws";

const require = createRequire(import.meta.url);
console.log(
  JSON.stringify({
    package: require("ws/package.json").name,
    version: require("ws/package.json").version,
    names: Object.keys(ws).toSorted(),
    statics: Object.keys(WebSocket).toSorted(),
    className: WebSocket.name,
    serverName: WebSocket.Server.name,
    isOne: [
      require("ws"),
      require("wsframe/ws"),
      require("wsframe-test-user-of-ws"),
      ws.WebSocket,
      own.default,
      user.default,
    ].map((each) => each === WebSocket),
    sharesStatics: Object.keys(ws).every(
      (name) => name === "default" || (ws[name] === WebSocket[name] && ws[name] === own[name]),
    ),
  }),
);
