/* global Deno */
// Protocol over Deno's own sockets.
import { Echo } from "./echo.js";

const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
console.log(listener.addr.port);

async function serve(conn) {
  conn.setNoDelay();
  const echo = new Echo();
  const buffer = new Uint8Array(65_536);
  const output = new Uint8Array(262_144);
  const write = async (bytes) => {
    for (let rest = bytes; rest.length > 0;) rest = rest.subarray(await conn.write(rest));
  };
  for (let length; (length = await conn.read(buffer)) !== null;) {
    echo.receive(buffer.subarray(0, length));
    for (let written; (written = echo.takeInto(output)) > 0;) await write(output.subarray(0, written));
    for (const part of echo.take()) await write(part);
  }
}

for await (const conn of listener) {
  // Fails when the load cuts its connections at the end.
  serve(conn).catch((error) => {
    if (!(error instanceof Deno.errors.ConnectionReset || error instanceof Deno.errors.BrokenPipe)) throw error;
  });
}
