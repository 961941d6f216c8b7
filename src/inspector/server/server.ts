// The server behind the page: its files, the WebSocket that is shown, and the one over which the page is told of it.

import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { rejectHandshake } from "wsframe";
import { type Connection, reject, upgrade } from "wsframe/node";
import { serveFiles } from "./files.ts";
import { MAX_COMMAND, Watcher } from "./watcher.ts";

/** A running inspector. */
export interface Inspector {
  /** Where the page is. */
  readonly url: string;
  /** Closes all connections (1001), and resolves when the server has ended. */
  close(): Promise<void>;
}

/** Options of startInspector(). */
export interface InspectorOptions {
  /** Default 0: any free one. */
  readonly port?: number | undefined;
  /** The folder with the page's files. */
  readonly page: URL;
}

const HOST = "127.0.0.1";

/**
 * Serves the page to this machine alone. Resolves when it listens.
 * @throws what listening throws, or reading the page's files
 */
export async function startInspector({ port = 0, page }: InspectorOptions): Promise<Inspector> {
  const watchers = new Map<string, Watcher>();
  const pages = new Set<Connection>();
  const files = serveFiles(page);
  /** What the page may be called by: a name of another site that leads here must not do (DNS rebinding). */
  let hosts: readonly string[] = [];
  const server = createServer((request, response) => {
    if (hosts.includes(request.headers.host ?? "")) files(request, response);
    else response.writeHead(421, { "Content-Type": "text/plain" }).end("This is not served under that name\n");
  });

  server.on("upgrade", (request: IncomingMessage, socket: Socket, head: Uint8Array) => {
    const { origin, host = "" } = request.headers;
    if (!hosts.includes(host) || origin !== `http://${host}`) {
      reject(socket, rejectHandshake({ status: 403 }));
      return;
    }
    const { pathname, searchParams } = new URL(request.url!, `http://${host}`);
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
