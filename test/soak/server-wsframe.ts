// The server of the soak test on wsframe/node.

import type { IncomingMessage } from "node:http";
import type { Http2ServerRequest } from "node:http2";
import { perMessageDeflate, PreparedMessage } from "wsframe";
import { type Connection, serve } from "wsframe/node";
import { listen, WsframeLink } from "./link-wsframe.ts";
import { CLOSE_TIMEOUT, PING_INTERVAL, PONG_TIMEOUT, TLS } from "./node.ts";
import { Rooms } from "./rooms.ts";

const rooms = new Rooms(Number(process.argv[2]), (data) => {
  const prepared = new PreparedMessage(data);
  return (link) => link instanceof WsframeLink && link.connection.send(prepared);
});

async function handle(connection: Connection, request: IncomingMessage | Http2ServerRequest): Promise<void> {
  const order = rooms.take(request.url);
  const link = new WsframeLink(connection);
  const session = rooms.open(order, link);
  const listening = listen(connection, order.slowServer, session);
  void session.start();
  const { code } = await connection.closed;
  await listening;
  await rooms.close(order, session, code, connection.error && String(connection.error));
}

const common = {
  host: "127.0.0.1",
  pingInterval: PING_INTERVAL,
  pongTimeout: PONG_TIMEOUT,
  closeTimeout: CLOSE_TIMEOUT,
};
const extensions = [perMessageDeflate()];
const onRequest = (_: unknown, response: { end(text: string): void }) => response.end("<!doctype html>");
const deflate = await serve({ ...common, extensions }, handle);
const bare = await serve(common, handle);
const tls = await serve({ ...common, extensions, tls: TLS, onRequest }, handle);
rooms.obey({ deflate: deflate.port, bare: bare.port, tls: tls.port });
