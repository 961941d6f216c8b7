// A client of the soak test: ws.

import { once } from "node:events";
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { listen, WsLink } from "../link-ws.ts";
import { sha256, TLS } from "../node.ts";
import { ClientSession } from "../session.ts";
import { isTls } from "../order.ts";
import { run } from "./node.ts";

run(async (order, contents) => {
  const { way, abort, slowClient } = order;
  const socket = new WebSocket(order.url, { perMessageDeflate: way !== "bare", ca: TLS.cert });
  const closed = new Promise<number>((resolve) => socket.once("close", resolve));
  const session = new ClientSession(order, new WsLink(socket), contents, sha256);
  let below: Socket | undefined;
  socket.once("upgrade", (response) => (below = response.socket));
  // Messages may arrive in the same turn as "open".
  listen(socket, slowClient, session);
  await once(socket, "open");
  let error: string | undefined;
  socket.on("error", (reason) => (error = String(reason)));
  if (abort) {
    setTimeout(() => {
      if (abort.how === "half-close") below?.end();
      else if (abort.how === "reset" && !isTls(way)) below?.resetAndDestroy();
      else socket.terminate();
    }, abort.after);
  }
  void session.start();
  return session.report(await closed, error);
});
