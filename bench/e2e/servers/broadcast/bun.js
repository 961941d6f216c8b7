/* global Bun */
import { turns } from "./turns.js";

const ask = turns((text) => server.publish("all", text));
const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  fetch: (request, self) => (self.upgrade(request) ? undefined : new Response("This is a WebSocket server.\n")),
  websocket: {
    open: (connection) => connection.subscribe("all"),
    message: ask,
  },
});
console.log(server.port);
