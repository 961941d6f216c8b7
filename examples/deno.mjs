// An echo server on Deno's own sockets. A Deno.Conn is a pair of byte streams, and wsframe turns it into a pair of message streams.
// deno run --allow-net examples/deno.mjs [port]

import { perMessageDeflate } from "wsframe";
import { acceptWebSocketStream } from "wsframe/streams";

const extensions = [perMessageDeflate()];
const open = new Set();

const port = Number(Deno.args[0] ?? 8080);
const listener = Deno.listen({ hostname: "127.0.0.1", port });
console.log(`listening on ws://127.0.0.1:${listener.addr.port}`);

async function handle(conn) {
  conn.setNoDelay();
  // If the handshake fails or takes too long, the client gets an error response and the connection ends.
  const pair = await acceptWebSocketStream(conn, { extensions, signal: AbortSignal.timeout(10_000) });
  open.add(pair);
  try {
    // The streams apply backpressure: a client that does not read its echoes is not read from either.
    await pair.readable.pipeTo(pair.writable);
  } finally {
    await pair.closed.finally(() => open.delete(pair));
  }
}

let closing = false;
function shutDown() {
  closing = true;
  listener.close();
  for (const pair of open) pair.close({ closeCode: 1001 });
  // Signal listeners would keep the process alive.
  for (const signal of ["SIGINT", "SIGTERM"]) Deno.removeSignalListener(signal, shutDown);
}
for (const signal of ["SIGINT", "SIGTERM"]) Deno.addSignalListener(signal, shutDown);

// Not `for await`: accept() rejects if a client has reset its connection before it was accepted, which would end the loop.
for (;;) {
  try {
    const conn = await listener.accept();
    handle(conn).catch((error) => console.error(error.message));
  } catch (error) {
    if (closing) break;
    console.error(error.message);
    // Wait a little: if file descriptors have run out, the next accept() fails, too.
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
