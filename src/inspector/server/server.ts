// The server of the page: its files, the WebSocket that the page shows, and a second one that reports the bytes of the first.

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { rejectHandshake } from "wsframe";
import { type Connection, reject, upgrade } from "wsframe/node";
import { serveFiles } from "./files.ts";
import { MAX_COMMAND, Watcher } from "./watcher.ts";

/** A running inspector. */
export interface Inspector {
  /** The URL of the page. */
  readonly url: string;
  /** Closes all connections with 1001. Resolves when the server has stopped. */
  close(): Promise<void>;
}

/** Options of startInspector(). */
export interface InspectorOptions {
  /** The port. Default 0: any free port. */
  readonly port?: number | undefined;
  /** The folder with the page's files. */
  readonly page: URL;
}

const HOST = "127.0.0.1";

/**
 * Serves the page to this machine only. Resolves when the server is listening.
 * @throws errors from listening, and from reading the page's files
 */
export async function startInspector({ port = 0, page }: InspectorOptions): Promise<Inspector> {
  const watchers = new Map<string, Watcher>();
  const pages = new Set<Connection>();
  const files = serveFiles(page);
  /** The accepted Host values. Other names are refused, because they may come from DNS rebinding. */
  let hosts: readonly string[] = [];
  const server = createServer((request, response) => {
    if (hosts.includes(request.headers.host ?? "")) files(request, response);
    else response.writeHead(421, { "Content-Type": "text/plain" }).end("Open the page as 127.0.0.1 or localhost\n");
  });

  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Uint8Array) => {
    const { origin, host = "" } = request.headers;
    if (!hosts.includes(host) || origin !== `http://${host}`) {
      reject(socket, rejectHandshake({ status: 403 }));
      return;
    }
    // Not with URL, which throws for targets such as "//".
    const [pathname, query] = request.url!.split("?", 2);
    const searchParams = new URLSearchParams(query);
    const watcher = watchers.get(searchParams.get("watcher") ?? "");
    if (pathname === "/echo" && watcher) {
      watcher.watch(request, socket, head, { deflate: searchParams.has("deflate") });
    } else if (pathname === "/watch") {
      const connection = upgrade(request, socket, head, { limits: { maxMessage: MAX_COMMAND } });
      if (!connection) return;
      const added = new Watcher(connection);
      watchers.set(added.id, added);
      pages.add(connection);
      connection.on("close", () => {
        watchers.delete(added.id);
        pages.delete(connection);
      });
    } else {
      reject(socket, rejectHandshake({ status: 404 }));
    }
  });

  await new Promise<void>((resolve, fail) => {
    server.once("error", fail);
    server.listen(port, HOST, () => {
      server.off("error", fail);
      resolve();
    });
  });
  const address = server.address() as AddressInfo;
  hosts = [`${HOST}:${address.port}`, `localhost:${address.port}`];
  return {
    url: `http://${HOST}:${address.port}/`,
    async close() {
      const stopped = new Promise<void>((resolve) => server.close(() => resolve()));
      const ends = [...pages].map((each) => new Promise<void>((resolve) => each.once("close", () => resolve())));
      for (const each of pages) each.close(1001);
      await Promise.all(ends);
      server.closeAllConnections();
      await stopped;
    },
  };
}
