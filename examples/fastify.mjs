// WebSocket and Fastify on one port, as a plugin: Fastify handles the requests, and upgrade() handles the upgrades.
// node examples/fastify.mjs [port]; curl -X POST -d "hello" -H "Content-Type: text/plain" localhost:8080/announce

import Fastify from "fastify";
import { perMessageDeflate, PreparedMessage, rejectHandshake } from "wsframe";
import { reject, upgrade } from "wsframe/node";

/** Adds `app.webSockets`, the set of open connections, and closes them before Fastify closes its server. */
async function webSockets(app, { path, onConnection }) {
  const connections = new Set();
  const extensions = [perMessageDeflate()];
  app.decorate("webSockets", connections);

  // Fastify never sees an upgrade, so check its path and access rights here.
  app.server.on("upgrade", (request, socket, head) => {
    const [pathname] = request.url.split("?", 1);
    if (pathname !== path) return reject(socket, rejectHandshake({ status: 404 }));
    const connection = upgrade(request, socket, head, { extensions });
    if (!connection) return undefined; // upgrade() has refused it and sent a response
    connections.add(connection);
    connection.on("error", (error) => app.log.warn(error));
    connection.on("close", () => connections.delete(connection));
    return onConnection(connection, request);
  });

  app.addHook("preClose", async () => {
    const ends = [...connections].map((connection) => new Promise((resolve) => connection.once("close", resolve)));
    for (const connection of connections) connection.close(1001);
    await Promise.all(ends);
  });
}
// The decoration is for the whole application, not only for the plugins inside this one.
webSockets[Symbol.for("skip-override")] = true;

const app = Fastify();
app.register(webSockets, {
  path: "/live",
  onConnection(connection) {
    connection.on("message", (data) => connection.send(data));
  },
});
app.get("/", async () => "WebSocket is at /live\n");
app.get("/connections", async () => ({ open: app.webSockets.size }));
app.post("/announce", async (request, reply) => {
  if (typeof request.body !== "string") return reply.code(415).send();
  const message = new PreparedMessage(request.body);
  for (const connection of app.webSockets) connection.send(message);
  return { sentTo: app.webSockets.size };
});

await app.listen({ port: Number(process.argv[2] ?? process.env.PORT ?? 8080), host: "127.0.0.1" });
console.log(`listening on ws://127.0.0.1:${app.server.address().port}/live`);

for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => app.close());
