/* global Deno */
// Protocol over Deno's own sockets.
import { Echo } from "./echo.js";

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
console.log(listener.addr.port);

async function serve(conn) {
  conn.setNoDelay();
  const echo = new Echo();
  const buffer = new Uint8Array(65_536);
  for (let length; (length = await conn.read(buffer)) !== null;) {
    echo.receive(buffer.subarray(0, length));
    for (const part of echo.take()) {
      for (let rest = part; rest.length > 0;) rest = rest.subarray(await conn.write(rest));
    }
  }
}

for await (const conn of listener) {
  // It fails when the load cuts its connections at its end.
  serve(conn).catch((error) => {
    if (!(error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe)) throw error;
  });
}
