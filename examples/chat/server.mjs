// A chat room with its page: what one says goes to all, serialized once, and compressed once, whatever their number.
// node examples/chat/server.mjs [port], and open the page that it names.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { perMessageDeflate, PreparedMessage, rejectHandshake } from "wsframe";
import { reject, upgrade } from "wsframe/node";

const MAX_NAME = 40;
const MAX_TEXT = 2000;
/** A page that leaves this many bytes unread does not keep up. */
const MAX_WAITING = 1 << 20;

const page = readFileSync(new URL("index.html", import.meta.url));
const people = new Set();

/** Sends one message to all: the same bytes. */
function broadcast(message) {
  const prepared = new PreparedMessage(JSON.stringify(message));
  for (const person of people) person.send(prepared);
}

/** What a page says, if it is as the page would say it. Anybody may connect, with other programs too. */
function read(data) {
  try {
    const { name, text } = JSON.parse(data);
    const valid = typeof name === "string" && typeof text === "string" && name.trim() && text.trim();
    if (valid && name.length <= MAX_NAME && text.length <= MAX_TEXT) return { name: name.trim(), text };
  } catch {
    // It is not JSON.
  }
  return undefined;
}

/** @type {import("wsframe/node").UpgradeOptions} */
const options = {
  extensions: [perMessageDeflate()],
  // Browsers let the pages of any site connect: only ours may.
  checkOrigin: (origin, /** @type {any} */ { headers: { host } }) =>
    origin === undefined || [`http://${host}`, `https://${host}`].includes(origin),
  limits: { maxMessage: 16_384 },
  closeTimeout: 5000,
  // A page that does not read is closed, "try again later". What waits for it is dropped after `closeTimeout`.
  maxBufferedAmount: MAX_WAITING,
  overflow: 1013,
};

const server = createServer((request, response) => {
  if (request.url !== "/") return response.writeHead(404).end("Not found\n");
  // The page has its script and its style in itself, and talks to nobody else.
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
