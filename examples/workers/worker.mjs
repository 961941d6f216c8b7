// A Worker with two handlers. For HTTP, it serves the messages of a WebSocket server as an event stream (Server-Sent Events), for
// clients that cannot use WebSocket. For TCP, if the runtime allows it, it is a WebSocket echo server.
//
// In a folder with `npm install wsframe workerd`, and the address of a server in FEED:
//   FEED=ws://127.0.0.1:9000/ npx workerd serve examples/workers/config.capnp
//   curl -N localhost:8080

import { connect } from "cloudflare:sockets";
import { perMessageDeflate } from "wsframe";
import { acceptWebSocketStream, connectWebSocketStream } from "wsframe/streams";

const HANDSHAKE_TIMEOUT = 10_000;

/** Turns text messages into events, with one data line per line of text. Skips binary messages, which events cannot contain. */
function toEvents() {
  const encoder = new TextEncoder();
  return new TransformStream({
    transform(message, controller) {
      if (typeof message !== "string") return;
      const data = message.split(/\r\n|\r|\n/).map((line) => `data: ${line}\n`);
      controller.enqueue(encoder.encode(`${data.join("")}\n`));
    },
  });
}

export default {
  async fetch(_request, { FEED }) {
    const url = new URL(FEED);
    const secure = url.protocol === "wss:";
    const socket = connect(
      { hostname: url.hostname, port: Number(url.port || (secure ? 443 : 80)) },
      { secureTransport: secure ? "on" : "off" },
    );
    try {
      const { readable } = await connectWebSocketStream(socket, url, {
        extensions: [perMessageDeflate()],
        signal: AbortSignal.timeout(HANDSHAKE_TIMEOUT),
      });
      // The streams apply backpressure to the server. They close the connection if the client leaves.
      return new Response(readable.pipeThrough(toEvents()), {
        headers: { "Content-Type": "text/event-stream", "Cache-Control": "no-store" },
      });
    } catch (error) {
      return new Response(`${error.message}\n`, { status: 502 });
    }
  },

  async connect(socket) {
    const { readable, writable, closed } = await acceptWebSocketStream(socket, {
      extensions: [perMessageDeflate()],
      signal: AbortSignal.timeout(HANDSHAKE_TIMEOUT),
    });
    await readable.pipeTo(writable);
    await closed;
  },
};
