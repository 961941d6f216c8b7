// Serves the page beside it, and the package's ES modules as they are: browsers need no bundler.
// node examples/browser/server.mjs [port], and open the page that it names.

import { readFileSync } from "node:fs";
import { createServer } from "node:http";

const files = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/decode.mjs": ["decode.mjs", "text/javascript"],
  "/recorded.bin": ["recorded.bin", "application/octet-stream"],
};
/** Where the modules are that `import "wsframe"` finds. */
const modules = new URL(".", import.meta.resolve("wsframe"));
// The core is WebAssembly, and this is what allows it; without, its portable twin does the work.
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
