/* global Deno */
// wsframe/streams over Deno's own sockets, which are pairs of streams.
import { acceptWebSocketStream } from "wsframe/streams";

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
console.log(listener.addr.port);

async function serve(conn) {
  conn.setNoDelay();
  const { readable, writable } = await acceptWebSocketStream(conn);
  await readable.pipeTo(writable);
}

for await (const conn of listener) {
  // Fails when the load cuts its connections at the end.
  serve(conn).catch(() => {});
}
