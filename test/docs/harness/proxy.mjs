// Clients of ws and bare sockets, and a backend of ws, with the proxy between them.
import { deepStrictEqual } from "node:assert";
import { once } from "node:events";
import { createServer as createBackend } from "node:http";
import { createConnection } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { WebSocket, WebSocketServer } from "ws";

const backendServer = createBackend().listen(0, "127.0.0.1");
await once(backendServer, "listening");
const { port: backendPort } = /** @type {import("node:net").AddressInfo} */ (backendServer.address());
process.env.BACKEND = `http://127.0.0.1:${backendPort}`;
console.log = () => {};

const ends = new WebSocketServer({ noServer: true, perMessageDeflate: { threshold: 0 } });
const closes = [];
backendServer.on("upgrade", (request, socket, head) => {
  if (request.url === "/secret") {
    const fields = "WWW-Authenticate: Bearer\r\nTransfer-Encoding: chunked\r\n";
    return socket.end(`HTTP/1.1 401 Unauthorized\r\n${fields}\r\n3\r\nno!\r\n0\r\n\r\n`);
  }
  if (request.url === "/cut") {
    socket.write("HTTP/1.1 401 Unauthorized\r\nContent-Length: 10\r\n\r\nno!");
    return void wait(50).then(() => socket.destroy());
  }
  return ends.handleUpgrade(request, socket, head, (end) => {
    end.on("message", (data, isBinary) => {
      if (String(data) === "close") end.close(4001, "asked to");
      else end.send(data, { binary: isBinary });
    });
    if (request.url === "/broken") socket.write(Buffer.of(0x83, 0));
    end.on("close", (code, reason) => closes.push([code, String(reason)]));
  });
});

// BLOCK

await once(server, "listening");
const open = async (path, options) => {
  const client = new WebSocket(`ws://localhost:8080${path}`, options);
  await once(client, "open");
  return client;
};
const until = async (isTrue) => {
  while (!isTrue()) await wait(5);
};

// Messages of all sizes, compressed and not, in total more than the sockets hold before anything is read.
for (const perMessageDeflate of [true, false]) {
  const client = await open("/", { perMessageDeflate });
  deepStrictEqual(client.extensions, perMessageDeflate ? "permessage-deflate" : "");
  for (const message of ["hello", "", Buffer.alloc(3_000_000, 7)]) {
    client.send(message);
    const [data, isBinary] = await once(client, "message");
    deepStrictEqual(isBinary ? data : String(data), message);
  }
  let count = 0;
  client.on("message", () => count++);
  const total = perMessageDeflate ? 100 : 10_000;
  for (let i = 0; i < total; i++) client.send(`message ${i} `.repeat(100));
  await until(() => count === total);
  // A Close and its answer, in both directions.
  if (perMessageDeflate) client.send("close");
  else client.close(4000, "enough");
  const [code, reason] = await once(client, "close");
  deepStrictEqual([code, String(reason)], perMessageDeflate ? [4001, "asked to"] : [4000, "enough"]);
}
await until(() => closes.length === 2);
deepStrictEqual(closes.splice(0), [
  [4001, "asked to"],
  [4000, "enough"],
]);

// A handshake that the backend rejects.
const [, response] = await once(new WebSocket("ws://localhost:8080/secret"), "unexpected-response");
deepStrictEqual([response.statusCode, response.headers["www-authenticate"]], [401, "Bearer"]);
deepStrictEqual(Buffer.concat(await response.toArray()).toString(), "no!");

// A rejection whose body breaks off ends for the client, too.
const cut = createConnection(8080);
cut.write(
  "GET /cut HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
);
deepStrictEqual(
  Buffer.concat(await cut.toArray())
    .toString()
    .endsWith("no!"),
  true,
);

// A protocol error of the backend: 1014 for the client.
const deceived = await open("/broken");
deepStrictEqual((await once(deceived, "close"))[0], 1014);
await until(() => closes.length === 1);
deepStrictEqual(closes.pop()?.[0], 1002);

// A protocol error of a client after a valid message: 1002 for the client, 1001 for the backend.
const socket = createConnection(8080, "localhost");
socket.write(
  "GET / HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
);
await once(socket, "data");
socket.write(Buffer.of(0x81, 0x81, 0, 0, 0, 0, 0x61, 0x81, 1, 0x61));
const received = Buffer.concat(await socket.toArray());
const echoed = received.length > 4 && received[0] === 0x81 ? 3 : 0; // the echo may follow the Close, and is then dropped
deepStrictEqual([received[echoed], received.readUInt16BE(echoed + 2)], [0x88, 1002]);
await until(() => closes.length === 1);
deepStrictEqual(closes.pop()?.[0], 1001);

// A client whose connection is cut.
const lost = await open("/");
lost.terminate();
await until(() => closes.length === 1);
deepStrictEqual(closes.pop()?.[0], 1006);

// A backend that is gone.
backendServer.close();
backendServer.closeAllConnections();
const [, failure] = await once(new WebSocket("ws://localhost:8080/"), "unexpected-response");
deepStrictEqual(failure.statusCode, 502);
process.exit();
