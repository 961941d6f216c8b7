// A proxy that checks, counts and forwards frames. Frames from clients get new masking-keys. The proxy does not assemble or
// inflate messages, and a frame of any size passes in constant memory.
// node examples/proxy/server.mjs http://127.0.0.1:9000 [port]

import { createServer, request as httpRequest } from "node:http";
import { CloseCode, rejectHandshake, serializeResponse, WebSocketError } from "wsframe";
import { reject } from "wsframe/node";
import { Direction } from "./direction.mjs";

const backend = new URL(process.argv[2] ?? process.env.BACKEND ?? "http://127.0.0.1:9000");
const port = Number(process.argv[3] ?? process.env.PORT ?? 8080);
const HANDSHAKE_TIMEOUT = 10_000;
const CLOSE_TIMEOUT = 10_000;
/** For each connection, a function that closes it with 1001. */
const goAways = new Set();

const server = createServer((_request, response) => {
  response.writeHead(426, { Connection: "Upgrade", Upgrade: "websocket" }).end("WebSocket only\n");
});

// The two ends do the handshake: the proxy forwards the request with its key, subprotocols and extensions, and the response.
server.on("upgrade", (request, client, head) => {
  const { hostname, port } = backend;
  const path = request.url;
  const ask = httpRequest({ hostname, port, path, headers: request.rawHeaders, setHost: false, agent: false });
  const leave = () => ask.destroy();
  client.on("error", leave);
  client.on("close", leave);
  ask.setTimeout(HANDSHAKE_TIMEOUT, () => ask.destroy(new Error("no answer")));
  ask.on("error", (error) => {
    if (client.writable) reject(client, rejectHandshake({ status: error.message === "no answer" ? 504 : 502 }));
  });
  ask.on("response", (response) => {
    const headers = pairs(response.rawHeaders).filter(([name]) => !/^(connection|transfer-encoding)$/i.test(name));
    client.write(
      serializeResponse({ status: response.statusCode ?? 502, headers: [...headers, ["Connection", "close"]] }),
    );
    response.pipe(client);
    response.on("close", () => endSoon(client)); // also if the backend breaks off in the middle of the body
  });
  ask.on("upgrade", (response, socket, socketHead) => {
    client.off("error", leave);
    client.off("close", leave);
    socket.setTimeout(0);
    client.write(serializeResponse({ status: response.statusCode ?? 502, headers: pairs(response.rawHeaders) }));
    if (head.length > 0) client.unshift(head);
    if (socketHead.length > 0) socket.unshift(socketHead);
    connect(client, socket, "sec-websocket-extensions" in response.headers, path);
  });
  ask.end();
});

/** @returns {[name: string, value: string][]} */
function pairs(raw) {
  return Array.from({ length: raw.length / 2 }, (_, i) => [raw[2 * i], raw[2 * i + 1]]);
}

/** Ends our side of a socket, and cuts it if the other side takes too long to end. */
function endSoon(socket) {
  if (socket.destroyed) return;
  socket.end();
  const timer = setTimeout(() => socket.destroy(), CLOSE_TIMEOUT);
  socket.once("close", () => clearTimeout(timer));
}

function connect(client, socket, hasExtensions, path) {
  const up = new Direction("server", hasExtensions);
  const down = new Direction("client", hasExtensions);
  /** Sends a Close to both ends, unless it would be inside a frame, and ends the connection. */
  const end = (clientCode, backendCode, reason) => {
    for (const [to, close] of [
      [client, down.close(clientCode, reason)],
      [socket, up.close(backendCode, reason)],
    ]) {
      if (close) to.write(close);
      endSoon(to);
    }
  };
  forward(client, socket, up, ({ closeCode, code }) => end(closeCode, CloseCode.GoingAway, code));
  forward(socket, client, down, ({ closeCode, code }) => end(CloseCode.BadGateway, closeCode, code));

  const goAway = () => {
    const close = down.close(CloseCode.GoingAway);
    // The backend gets the client's answer, and ends the connection. If a Close would be inside a frame, cut the connection.
    if (!close) client.destroy();
    else client.write(close);
    setTimeout(() => client.destroy(), CLOSE_TIMEOUT).unref();
  };
  goAways.add(goAway);
  client.on("close", () => {
    goAways.delete(goAway);
    console.log(`${path}: ${up.frames} frames (${up.bytes} bytes) up, ${down.frames} (${down.bytes}) down`);
  });
}

function forward(from, to, direction, fail) {
  from.setNoDelay(true);
  from.on("data", (chunk) => {
    let bytes;
    try {
      bytes = direction.push(chunk);
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      from.removeAllListeners("data").resume(); // discard the rest
      fail(error);
      return;
    }
    // Backpressure: the sender waits for the reader.
    if (bytes.length > 0 && !to.write(bytes)) from.pause();
  });
  to.on("drain", () => from.resume());
  from.on("end", () => to.end());
  // Forward a reset as a reset, because the connection has failed. Not if our side is already ending: Node 20 would neither end
  // nor reset such a socket, and the process could never exit.
  from.on("error", () => (to.writableEnded ? to.destroy() : to.resetAndDestroy()));
  from.on("close", () => endSoon(to));
}

server.listen(port, "127.0.0.1", () => console.log(`listening on ws://127.0.0.1:${server.address().port}`));

function shutDown() {
  server.close();
  for (const goAway of goAways) goAway();
}
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, shutDown);
