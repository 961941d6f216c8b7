// Serves the page in this folder and the ES modules of the package, which browsers can load without a bundler.
// node examples/browser/server.mjs [port], then open the page at the printed URL.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const files = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/decode.mjs": ["decode.mjs", "text/javascript"],
  "/recorded.bin": ["recorded.bin", "application/octet-stream"],
};
/** The folder with the modules of the package. */
const modules = new URL(".", import.meta.resolve("wsframe"));
// 'wasm-unsafe-eval' allows the WebAssembly core. Without it, the portable core is used.
const policy =
  "default-src 'none'; script-src 'self' 'unsafe-inline' 'wasm-unsafe-eval'; style-src 'unsafe-inline'; connect-src 'self'; img-src data:";

const server = createServer((request, response) => {
  const [, name] = /^\/wsframe\/([\w-]+\.js)$/.exec(request.url ?? "") ?? [];
  const [file, type] = name ? [new URL(name, modules), "text/javascript"] : (files[request.url ?? ""] ?? []);
  try {
    const body = readFileSync(new URL(file, import.meta.url));
    response.writeHead(200, { "Content-Type": type, "Content-Security-Policy": policy }).end(body);
  } catch {
    response.writeHead(404).end("Not found\n");
  }
});

server.listen(Number(process.argv[2] ?? process.env.PORT ?? 8080), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => server.close());
