// An echo server: answers text with text and bytes with bytes, compressed if the client supports it. Also runs on Bun and Deno.
// node examples/echo.mjs [port]

import { perMessageDeflate } from "wsframe";
import { serve } from "wsframe/node";

const options = {
  host: "127.0.0.1",
  port: Number(process.argv[2] ?? process.env.PORT ?? 8080),
  extensions: [perMessageDeflate()],
};

const server = await serve(options, (connection) => {
  // If a client does not read its echoes, the server stops reading from it at `highWaterMark` unsent bytes.
  connection.on("message", (data) => connection.send(data));
  // The client has broken a rule, or the socket has failed. The connection closes by itself, with the right code.
  connection.on("error", (error) => console.error(error.message));
});
console.log(`listening on ws://127.0.0.1:${server.port}`);

// Closes all connections with 1001. The process ends when they have closed. A second signal ends it at once.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => server.close());
