// A chat room with a page. Each message goes to everyone, but is serialized and compressed only once.
// node examples/chat/server.mjs [port], then open the page at the printed URL.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { perMessageDeflate, PreparedMessage, rejectHandshake } from "wsframe";
import { reject, upgrade } from "wsframe/node";

const MAX_NAME = 40;
const MAX_TEXT = 2000;
/** A page with more unsent bytes than this is closed. */
const MAX_WAITING = 1 << 20;

const page = readFileSync(new URL("index.html", import.meta.url));
const people = new Set();

/** Sends the same bytes to everyone. */
function broadcast(message) {
  const prepared = new PreparedMessage(JSON.stringify(message));
  for (const person of people) person.send(prepared);
}

/** Validates a message, because other programs than the page can connect, too. */
function read(data) {
  try {
    const { name, text } = JSON.parse(data);
    const valid = typeof name === "string" && typeof text === "string" && name.trim() && text.trim();
    if (valid && name.length <= MAX_NAME && text.length <= MAX_TEXT) return { name: name.trim(), text };
  } catch {
    // Not JSON.
  }
  return undefined;
}

/** @type {import("wsframe/node").UpgradeOptions} */
const options = {
  extensions: [perMessageDeflate()],
  // Browsers let the page of any site connect, so accept only our own.
  checkOrigin: (origin, /** @type {any} */ { headers: { host } }) =>
    origin === undefined || [`http://${host}`, `https://${host}`].includes(origin),
  limits: { maxMessage: 16_384 },
  closeTimeout: 5000,
  // A page that does not read is closed with 1013, "try again later". Its unsent messages are dropped after `closeTimeout`.
  maxBufferedAmount: MAX_WAITING,
  overflow: 1013,
};

const server = createServer((request, response) => {
  if (request.url !== "/") return response.writeHead(404).end("Not found\n");
  // The page contains its script and style, and connects only to this server.
  const policy =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:";
  response.writeHead(200, { "Content-Type": "text/html; charset=utf-8", "Content-Security-Policy": policy });
  return response.end(page);
});

server.on("upgrade", (request, socket, head) => {
  if (request.url !== "/chat") return reject(socket, rejectHandshake({ status: 404 }));
  const person = upgrade(request, socket, head, options);
  if (!person) return undefined;
  people.add(person);
  broadcast({ type: "people", count: people.size });
  person.on("message", (data) => {
    const said = read(data);
    if (said) broadcast({ type: "said", at: Date.now(), ...said });
    else person.close(1008, "not a message of this chat");
  });
  person.on("error", (error) => console.error(error.message));
  return person.on("close", () => {
    people.delete(person);
    broadcast({ type: "people", count: people.size });
  });
});

server.listen(Number(process.argv[2] ?? process.env.PORT ?? 8080), "127.0.0.1", () => {
  const { port } = server.address();
  console.log(`listening on ws://127.0.0.1:${port}/chat, the page is http://127.0.0.1:${port}/`);
});

function shutDown() {
  server.close();
  for (const person of people) person.close(1001);
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, shutDown);
