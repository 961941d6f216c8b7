// An echo server on Deno's own sockets: a Deno.Conn is a pair of streams of bytes, and wsframe makes it one of messages.
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
  // If the handshake is refused or takes too long, the client is told so, and the connection ended.
  const pair = await acceptWebSocketStream(conn, { extensions, signal: AbortSignal.timeout(10_000) });
  open.add(pair);
  try {
    // The streams hold back who is faster: nothing is read from a client that does not read its echoes.
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
  // Signals would keep the process alive.
  for (const signal of ["SIGINT", "SIGTERM"]) Deno.removeSignalListener(signal, shutDown);
}
for (const signal of ["SIGINT", "SIGTERM"]) Deno.addSignalListener(signal, shutDown);

// Not `for await`, which one client could end: accept() fails for one that has reset its connection before it was accepted.
for (;;) {
  try {
    const conn = await listener.accept();
    handle(conn).catch((error) => console.error(error.message));
  } catch (error) {
    if (closing) break;
    console.error(error.message);
    // Not at once: where there are no more descriptors, the next one fails too.
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
