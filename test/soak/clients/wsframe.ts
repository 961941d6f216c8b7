// A client of the soak test: wsframe's own.

import { Socket } from "node:net";
import { perMessageDeflate } from "wsframe";
import { connect } from "wsframe/node";
import { listen, WsframeLink } from "../link-wsframe.ts";
import { CLOSE_TIMEOUT, sha256, TLS } from "../node.ts";
import { ClientSession } from "../session.ts";
import { isTls } from "../order.ts";
import { run } from "./node.ts";

run(async (order, contents) => {
  const { way, abort, slowClient } = order;
  const extensions = way === "bare" ? [] : [perMessageDeflate()];
  const tls = { ca: TLS.cert };
  const connection = await connect(order.url, { extensions, tls, http2: way === "http2", closeTimeout: CLOSE_TIMEOUT });
  const session = new ClientSession(order, new WsframeLink(connection), contents, sha256);
  if (abort) {
    setTimeout(() => {
      const { socket } = connection;
      if (abort.how === "half-close") socket.end();
      // Only TCP can be reset.
      else if (abort.how === "reset" && socket instanceof Socket && !isTls(way)) socket.resetAndDestroy();
      else connection.terminate();
    }, abort.after);
  }
  const listening = listen(connection, slowClient, session);
  void session.start();
  const { code } = await connection.closed;
  await listening;
  return session.report(code, connection.error && String(connection.error));
});
