// The server of the soak test on ws.

import { createServer, type RequestListener, type Server as HttpServer } from "node:http";
import { createServer as createSecureServer, type Server as HttpsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { once } from "node:events";
import { type WebSocket, WebSocketServer } from "ws";
import { listen, WsLink } from "./link-ws.ts";
import { PING_INTERVAL, PONG_TIMEOUT, TLS } from "./node.ts";
import { Rooms } from "./rooms.ts";

const rooms = new Rooms(Number(process.argv[2]), (data) => (link) => link.send(data, 1));

/** Cuts a silent peer, as wsframe does. */
function keepAlive(socket: WebSocket): void {
  let heard = Date.now();
  const alive = (): void => void (heard = Date.now());
  for (const event of ["message", "ping", "pong"] as const) socket.on(event, alive);
  const timer = setInterval(() => {
    const silence = Date.now() - heard;
    if (silence > PING_INTERVAL + PONG_TIMEOUT) socket.terminate();
    else if (silence > PING_INTERVAL && !socket.isPaused) socket.ping();
  }, PING_INTERVAL / 2);
  socket.once("close", () => clearInterval(timer));
}

async function start(server: HttpServer | HttpsServer, perMessageDeflate: boolean): Promise<number> {
  const wss = new WebSocketServer({ server, perMessageDeflate });
  wss.on("connection", (socket, request) => {
    const order = rooms.take(request.url);
    const session = rooms.open(order, new WsLink(socket));
    let error: string | undefined;
    socket.on("error", (reason) => (error = String(reason)));
    socket.once("close", (code) => void rooms.close(order, session, code, error));
    keepAlive(socket);
    listen(socket, order.slowServer, session);
    void session.start();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port;
}

const page: RequestListener = (_, response) => response.end("<!doctype html>");
const deflate = await start(createServer(), true);
const bare = await start(createServer(), false);
const tls = await start(createSecureServer(TLS, page), true);
rooms.obey({ deflate, bare, tls });
