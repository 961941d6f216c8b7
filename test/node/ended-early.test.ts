// A client that ends its side before its connection is made, while the server awaits something.

import { once } from "node:events";
import { createServer } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { expect, onTestFinished, test } from "vitest";
import { type Connection, serve, upgrade } from "../../src/node/index.ts";
import { concat } from "../reference/serialize.ts";
import { close, text, toRole, utf8 } from "../support/wire.ts";
import { until } from "./support/watch.ts";

const REQUEST = [
  "GET / HTTP/1.1",
  "Host: localhost",
  "Connection: Upgrade",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "",
  "",
].join("\r\n");

/** How long a server takes to decide, in milliseconds. */
const DECISION = 50;
const decided = () => new Promise<void>((resolve) => setTimeout(resolve, DECISION));

interface Seen {
  readonly messages: (string | Uint8Array)[];
  readonly errors: Error[];
  end: readonly unknown[] | undefined;
}

function watch(connection: Connection, seen: Seen): void {
  connection.on("message", (data) => seen.messages.push(data));
  connection.on("error", (error) => seen.errors.push(error));
  connection.on("close", (...end) => (seen.end = end));
}

const SERVERS: [name: string, start: (seen: Seen) => Promise<number>][] = [
  [
    "upgrade()",
    async (seen) => {
      const server = createServer();
      server.on("upgrade", async (request, socket, head) => {
        await decided();
        watch(upgrade(request, socket, head)!, seen);
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      onTestFinished(() => void server.close());
      return (server.address() as AddressInfo).port;
    },
  ],
  [
    "serve() with verify",
    async (seen) => {
      const server = await serve({ host: "127.0.0.1", verify: decided }, (connection) => watch(connection, seen));
      onTestFinished(() => server.close());
      return server.port;
    },
  ],
];

const CLIENTS: [name: string, frames: Uint8Array, messages: string[], end: readonly unknown[]][] = [
  ["nothing", new Uint8Array(0), [], [1006, "", false]],
  ["a message", toRole("server", text("early")), ["early"], [1006, "", false]],
  ["a message and a Close", toRole("server", text("early"), close(1000)), ["early"], [1000, "", true]],
];

for (const [server, start] of SERVERS) {
  test.each(CLIENTS)(`${server} notices an end after %s`, async (_name, frames, messages, end) => {
    const seen: Seen = { messages: [], errors: [], end: undefined };
    const socket = connect(await start(seen), "127.0.0.1");
    socket.resume();
    // The frames are in one segment with the request, so they become the head of the 'upgrade' event.
    socket.end(concat([utf8(REQUEST), frames]));
    await until(
      () => seen.end !== undefined,
      () => "it does not end",
    );
    expect(seen).toEqual({ messages, errors: [], end });
  });
}
