/* global Bun */
import { certificate } from "./certificate.js";

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  tls: certificate,
  fetch: (request, self) => (self.upgrade(request) ? undefined : new Response("This is a WebSocket server.\n")),
  websocket: {
    message(connection, data) {
      connection.send(data);
    },
  },
});
console.log(server.port);
