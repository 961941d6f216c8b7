// Serves the files of the page over HTTP.

import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { fileURLToPath } from "node:url";

const TYPES = {
  "index.html": "text/html; charset=utf-8",
  "main.js": "text/javascript; charset=utf-8",
  "style.css": "text/css; charset=utf-8",
  "icon.svg": "image/svg+xml",
} as const;

const HEADERS = {
  // 'wasm-unsafe-eval' allows compiling the WASM core, but not eval().
  "Content-Security-Policy": [
    "default-src 'none'",
    "script-src 'self' 'wasm-unsafe-eval'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "X-Content-Type-Options": "nosniff",
  "Referrer-Policy": "no-referrer",
  "Cross-Origin-Opener-Policy": "same-origin",
  "Cross-Origin-Resource-Policy": "same-origin",
  "Cache-Control": "no-store",
};

/** Returns a request handler that serves the files of a folder. The files are read once. */
export function serveFiles(folder: URL): (request: IncomingMessage, response: ServerResponse) => void {
  const files = new Map(
    Object.entries(TYPES).map(([name, type]) => [
      name === "index.html" ? "/" : `/${name}`,
      { type, content: readFileSync(fileURLToPath(new URL(name, folder))) },
    ]),
  );
  return (request, response) => {
    const file = files.get(request.url!.split("?", 1)[0]!);
    const allowed = request.method === "GET" || request.method === "HEAD";
    const status = !allowed ? 405 : file === undefined ? 404 : 200;
    if (status !== 200 || file === undefined) {
      response.writeHead(status, { ...HEADERS, ...(!allowed && { Allow: "GET, HEAD" }), "Content-Type": "text/plain" });
      response.end(status === 405 ? "Only GET and HEAD are allowed\n" : "Not found\n");
      return;
    }
    response.writeHead(200, { ...HEADERS, "Content-Type": file.type, "Content-Length": file.content.length });
    response.end(request.method === "HEAD" ? undefined : file.content);
  };
}
