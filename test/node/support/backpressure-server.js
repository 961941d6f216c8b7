// The server of backpressure.slow.ts, in a process whose memory can be watched. It does what the path says. On request,
// it tells its parent by how much its memory has grown at its peak.

import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { serve } from "../../../dist/node.js";

const PIECE = 65536;

/**
 * Pieces that encode their positions, so that the receiver can check them. Made once, because our own garbage would be
 * measured, too.
 */
const pieces = Array.from({ length: 256 }, (_, i) => new Uint8Array(PIECE).fill(i));
const piece = (i) => pieces[i & 255];

const HANDLERS = {
  /** Sends one message of `count` pieces. */
  "/pieces": (connection, count) => {
    async function* message() {
      for (let i = 0; i < count; i++) yield piece(i);
    }
    return connection.send(message());
  },
  /** Sends `count` messages. Waits while too much is unsent. */
  "/messages": async (connection, count) => {
    for (let i = 0; i < count && connection.send(piece(i)); i++) {
      if (connection.bufferedAmount > 1 << 20) await connection.drained();
    }
  },
  "/slow": async (connection, wait) => {
    let expected = 0;
    for await (const message of connection) {
      // Empty messages have no number.
      if (message !== "" && Number(message) !== expected++) throw new Error(`${message} instead of ${expected - 1}`);
      handled++;
      await setTimeout(wait);
    }
  },
  "/echo": (connection) => {
    connection.on("message", (data) => connection.send(data));
  },
};

let handled = 0;
globalThis.gc();
const { rss } = process.memoryUsage();
let most = rss;
setInterval(() => {
  most = Math.max(most, process.memoryUsage().rss);
}, 10);

const server = await serve({ host: "127.0.0.1", highWaterMark: 1 << 20 }, async (connection, request) => {
  const { pathname, searchParams } = new URL(request.url, "http://localhost");
  const ended = once(connection, "close");
  await HANDLERS[pathname](connection, Number(searchParams.get("n")));
  await ended;
});
process.on("message", () => {
  process.send({ growth: most - rss, handled });
});
process.send(server.port);
