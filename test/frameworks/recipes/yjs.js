// The recipe of docs/frameworks.md replaces the line BLOCK. The rest is a client that uses it.
import { docs } from "@y/websocket-server/utils";
import { WebSocket } from "ws";
import { WebsocketProvider } from "y-websocket";
import * as Y from "yjs";
import { until } from "../programs/support.js";

// BLOCK

const all = [new Y.Doc(), new Y.Doc()].map((document) => {
  const options = { WebSocketPolyfill: WebSocket, disableBc: true };
  return { document, provider: new WebsocketProvider("ws://localhost:8080", "room", document, options) };
});
const [a, b] = all.map(({ document }) => document.getText("text"));
a.insert(0, "hello");
await until("the other document", () => b.toString() === "hello");
for (const { document, provider } of all) {
  provider.destroy();
  document.destroy();
}
for (const document of docs.values()) document.destroy();
server.close();
