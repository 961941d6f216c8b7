// The host that the programs talk to. It serves captures and files over HTTP, echoes with ws and with the installed
// package, and has a client of ws that connects back.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { WebSocket, WebSocketServer } from "ws";
import type * as Wsframe from "../../src/index.ts";
import type * as WsframeNode from "../../src/node/index.ts";
import { readCaptures } from "../support/captures.ts";
import { digestOf, makeMessages } from "./programs/messages.mjs";

const TYPES: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".json": "application/json",
  ".wasm": "application/wasm",
};

export interface Host {
  readonly origin: string;
  readonly port: number;
  close(): void;
}

/**
 * Serves on loopback:
 * - the files of the folder; `?csp=` sets their Content-Security-Policy
 * - /captures.json and the streams that it names
 * - /ws and /wsframe: echo servers of ws and of the installed package; `?close=4001` sends "bye" and closes with that
 * code
 * - /dial?url=: a client of ws connects there and sends messages; the response says what came back and how it was
 * closed
 */
export async function startHost(folder: string): Promise<Host> {
  const captures = readCaptures();
  const streams = new Map<string, Uint8Array>();
  const list = captures.map(({ name, deflate, extensions, directions }) => ({
    name,
    deflate,
    extensions,
    directions: directions.map(({ role, httpLength, chunks, stream }) => {
      const path = `/captures/${name}/${role}`;
      streams.set(path, stream);
      return { role, httpLength, chunks: chunks.map(({ length }) => length), path };
    }),
  }));

  const answer = async (url: URL, response: ServerResponse) => {
    const { pathname, searchParams } = url;
    const csp = searchParams.get("csp");
    if (csp !== null) response.setHeader("Content-Security-Policy", csp);
    if (pathname === "/captures.json") return response.end(JSON.stringify(list));
    if (pathname === "/dial") return response.end(JSON.stringify(await dial(searchParams.get("url")!)));
    const stream = streams.get(pathname);
    if (stream) return response.end(stream);
    response.setHeader("Content-Type", TYPES[extname(pathname)] ?? "application/octet-stream");
    return response.end(readFileSync(join(folder, normalize(pathname))));
  };
  const server = createServer((request: IncomingMessage, response) => {
    answer(new URL(request.url!, "http://localhost"), response).catch((error: unknown) => {
      response.statusCode = 404;
      response.end(String(error));
    });
  });

  // Loads the installed package instead of the source.
  const load = (name: string) => import(pathToFileURL(join(folder, "node_modules/wsframe/dist", name)).href);
  const { perMessageDeflate } = (await load("index.js")) as typeof Wsframe;
  const { upgrade } = (await load("node.js")) as typeof WsframeNode;
  const extensions = [perMessageDeflate()];
  const wsServer = new WebSocketServer({ noServer: true, perMessageDeflate: true });
  server.on("upgrade", (request, socket, head) => {
    const { pathname, searchParams } = new URL(request.url!, "http://localhost");
    const code = Number(searchParams.get("close"));
    if (pathname === "/ws") {
      wsServer.handleUpgrade(request, socket, head, (ws) => {
        ws.on("message", (data, isBinary) => ws.send(data, { binary: isBinary }));
        if (!code) return;
        ws.send("bye");
        ws.close(code, "later");
      });
    } else {
      const connection = upgrade(request, socket, head, { extensions });
      connection?.on("message", (data) => connection.send(data));
      if (!code) return;
      connection?.send("bye");
      connection?.close(code, "later");
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    close() {
      server.close();
      server.closeAllConnections();
      for (const client of wsServer.clients) client.terminate();
    },
  };
}

/** The response of /dial. */
export interface Dialled {
  readonly echoed: string;
  readonly extensions: string;
  readonly closed: [code: number, reason: string];
}

async function dial(url: string): Promise<Dialled> {
  const client = new WebSocket(url);
  await once(client, "open");
  const messages = makeMessages();
  const echoed: (string | Uint8Array)[] = [];
  const all = new Promise<void>((resolve) => {
    client.on("message", (data: Buffer, isBinary) => {
      echoed.push(isBinary ? new Uint8Array(data) : data.toString());
      if (echoed.length === messages.length) resolve();
    });
  });
  const closed = once(client, "close") as Promise<[number, Buffer]>;
  for (const message of messages) client.send(message);
  await Promise.race([all, closed]);
  client.close(3001, "done");
  const [code, reason] = await closed;
  return { echoed: await digestOf(echoed), extensions: client.extensions, closed: [code, reason.toString()] };
}

/** The URL of a fixture, for programs that cannot read files. */
export const fixture = (name: string): string => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
