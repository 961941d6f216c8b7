// An app that answers requests with hooks, and its server.
import { deepStrictEqual } from "node:assert";
import { once } from "node:events";
import { createServer } from "node:http";
import { WebSocket } from "ws";

const message = (peer, data) => peer.send(`${new URL(peer.request.url).pathname} ${data}`);
/** @type {{ fetch(request: Request): Promise<Response & { crossws?: Partial<import("crossws").Hooks> }> }} */
const app = {
  fetch: async (request) =>
    request.url.endsWith("/chat")
      ? Object.assign(new Response(null, { status: 426 }), { crossws: { message } })
      : new Response("a page"),
};
const server = createServer(async ({ url }, response) => {
  const page = await app.fetch(new Request(`http://localhost:8080${url}`));
  response.end(await page.text());
}).listen(8080);
await once(server, "listening");

// BLOCK

const client = new WebSocket("ws://localhost:8080/chat");
await once(client, "open");
client.send("hello");
const [data] = await once(client, "message");
deepStrictEqual(String(data), "/chat hello");
deepStrictEqual(await (await fetch("http://localhost:8080/")).text(), "a page");
process.exit();
