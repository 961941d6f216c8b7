/* global Bun */
import { certificate } from "./certificate.js";
import { compressed } from "./compressed.js";

const dedicated = { compress: "dedicated", decompress: "dedicated" };

const server = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  tls: certificate,
  fetch: (request, self) => (self.upgrade(request) ? undefined : new Response("This is a WebSocket server.\n")),
  websocket: {
    ...(compressed && { perMessageDeflate: compressed === "dedicated" ? dedicated : true }),
    message(connection, data) {
      connection.send(data, compressed !== undefined);
    },
  },
});
console.log(server.port);
