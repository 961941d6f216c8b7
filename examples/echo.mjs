// An echo server: text comes back as text, bytes as bytes, compressed where the client can. Runs on Bun and Deno too.
// node examples/echo.mjs [port]

import { perMessageDeflate } from "wsframe";
import { serve } from "wsframe/node";

const options = {
  host: "127.0.0.1",
  port: Number(process.argv[2] ?? process.env.PORT ?? 8080),
  extensions: [perMessageDeflate()],
};

const server = await serve(options, (connection) => {
  // Who sends and does not read is not read from either, once `highWaterMark` bytes wait for it: nothing piles up here.
  connection.on("message", (data) => connection.send(data));
  // A rule that was broken, or a socket that failed. The connection ends by itself, with the right Close.
  connection.on("error", (error) => console.error(error.message));
});
console.log(`listening on ws://127.0.0.1:${server.port}`);

// Close (1001) for all who are connected, and the process ends when they have gone. A second signal ends it at once.
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => server.close());
