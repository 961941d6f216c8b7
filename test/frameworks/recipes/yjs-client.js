// The recipe of docs/frameworks.md replaces the line BLOCK. The rest is a server that it uses.
import { docs, setupWSConnection } from "@y/websocket-server/utils";
import { WebSocketServer } from "ws";
import { until } from "../programs/support.js";

const server = new WebSocketServer({ port: 8080 });
server.on("connection", setupWSConnection);

// BLOCK

document.getText("text").insert(0, "hello");
await until("the server's document", () => docs.get("room")?.getText("text").toString() === "hello");
provider.destroy();
document.destroy();
docs.get("room").destroy();
server.close();
