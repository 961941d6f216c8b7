// Prints the events on both sides of Engine.IO.
//
//   node log.js [<folder of wsframe, for its server as wsEngine>]
//
// Clients of whole connections are those of Engine.IO. Other clients are of ws itself, also if the server is not.

import { createServer } from "node:http";
import { Server } from "engine.io";
import { Socket } from "engine.io-client";
import { Sender, WebSocket as RealWebSocket } from "real-ws";
import { engineOptions, listen, sleep, until } from "../socket.io/support.js";

const engine = engineOptions(process.argv[2]);

/** Runs a part with a new server. Its log has the events of the server, its sockets and the clients, each in order. */
async function log(options, part) {
  const entries = { server: [], accepted: [], client: [] };
  const http = createServer();
  const server = new Server({ ...engine, ...options });
  server.attach(http, { destroyUpgradeTimeout: 100 });
  const port = await listen(http);
  note(entries.server, server, ["initial_headers", "headers", "connection", "connection_error"]);
  server.on("connection", (socket) => note(entries.accepted, socket, SOCKET_EVENTS));
  const open = async (options) => {
    const client = new Socket(`http://127.0.0.1:${port}`, options);
    note(entries.client, client, CLIENT_EVENTS);
    const accepted = once(server, "connection");
    await once(client, options?.upgrades ? "upgrade" : "open");
    const [socket] = await accepted;
    if (options?.upgrades) await until(() => socket.upgraded);
    return { client, socket };
  };
  try {
    await part({ server, http, port, open, entries });
    const count = (side, name) => entries[side].filter(([event]) => event === name).length;
    await until(() => count("accepted", "close") === count("server", "connection"));
    // Wait for events that should not be emitted.
    await sleep(50);
  } finally {
    server.close();
    http.close();
    http.closeAllConnections();
  }
  return entries;
}

const SOCKET_EVENTS = [
  "open",
  "upgrading",
  "upgrade",
  "packet",
  "packetCreate",
  "message",
  "flush",
  "drain",
  "close",
  "error",
];
const CLIENT_EVENTS = [
  "open",
  "upgrading",
  "upgrade",
  "upgradeError",
  "packet",
  "message",
  "flush",
  "drain",
  "close",
  "error",
];

function note(entries, emitter, names) {
  for (const name of names) emitter.on(name, (...values) => entries.push([name, ...values.map(describe)]));
}

/** A form of a value that can be compared. */
function describe(value) {
  if (value === undefined || value === null || typeof value === "number") return value;
  if (typeof value === "string") return value.length > 100 ? `${value.length} characters` : value;
  if (Buffer.isBuffer(value))
    return value.length > 100 ? `Buffer of ${value.length}` : `Buffer ${value.toString("hex")}`;
  if (value instanceof Error)
    return { error: value.message, ...("description" in value && { description: describe(value.description) }) };
  if (Array.isArray(value)) return value.map(describe);
  if ("context" in value && "description" in value)
    return { description: value.description, code: value.context?.code };
  if ("type" in value && ("data" in value || Object.keys(value).length === 1))
    return { type: value.type, data: value.type === "open" ? "handshake" : describe(value.data) };
  if ("type" in value && "options" in value) return { type: value.type };
  if ("code" in value && "message" in value && "req" in value) return { code: value.code, message: value.message };
  return value.constructor.name;
}

/** The response to an upgrade request of ws itself. */
async function upgradeBy(url, options) {
  const client = new RealWebSocket(url, options);
  return await new Promise((resolve) => {
    client.on("upgrade", ({ statusCode, headers }) => {
      const { "sec-websocket-accept": accept, ...others } = headers;
      resolve({ statusCode, accepted: typeof accept, headers: others });
      client.on("error", () => {}).terminate();
    });
    client.on("unexpected-response", (request, response) => {
      response.on("error", () => {});
      resolve({ statusCode: response.statusCode, type: response.headers["content-type"] });
      request.destroy();
    });
    client.on("error", ({ message }) => resolve({ error: message }));
  });
}

/** Waits for the next event of this name. Unlike once() of node:events, it ignores errors, which are in the log. */
function once(emitter, name) {
  return new Promise((resolve) => {
    emitter.once(name, (...values) => resolve(values));
  });
}

const websocket = { transports: ["websocket"] };

/** Sends text and bytes in both directions, one after the other. */
async function talk({ client, socket }) {
  for (const data of [
    "text",
    "",
    "\u{1F600} é",
    Buffer.from([0, 1, 255]),
    "x".repeat(70_000),
    Buffer.alloc(70_000, 7),
  ]) {
    const came = once(socket, "message");
    client.send(data);
    await came;
    const back = once(client, "message");
    await new Promise((resolve) => {
      socket.send(data, undefined, resolve);
    });
    await back;
  }
}

const parts = {
  upgrade: () =>
    log({}, async ({ open }) => {
      const ends = await open({ upgrades: true, transports: ["polling", "websocket"] });
      await talk(ends);
      const closed = once(ends.socket, "close");
      ends.client.close();
      await closed;
    }),
  websocket: () =>
    log({}, async ({ open }) => {
      const ends = await open(websocket);
      await talk(ends);
      // Several messages in one turn, and one that is already a frame.
      const frame = Sender.frame(Buffer.from("4prepared"), {
        fin: true,
        opcode: 1,
        mask: false,
        rsv1: false,
        readOnly: false,
      });
      const last = new Promise((resolve) => {
        ends.client.on("message", (data) => data === "last" && resolve());
      });
      ends.socket
        .send("first")
        .send("not prepared", { wsPreEncodedFrame: frame })
        .send(Buffer.from("bytes"))
        .send("last");
      await last;
      const closed = once(ends.client, "close");
      ends.socket.close();
      await closed;
    }),
  compressed: () =>
    log({ perMessageDeflate: true }, async ({ open }) => {
      const ends = await open({ ...websocket, perMessageDeflate: { threshold: 0 } });
      await talk(ends);
      const closed = once(ends.client, "close");
      ends.socket.close(true);
      await closed;
    }),
  brokenConnections: () =>
    log({ maxHttpBufferSize: 1000 }, async ({ open }) => {
      const ways = [
        ({ client }) => client.transport.ws.terminate(),
        ({ client }) => client.transport.ws.close(4000, "bye"),
        ({ client }) => client.send("x".repeat(2000)),
        ({ client }) => client.transport.ws.send("no packet"),
        ({ client }) => client.transport.ws._socket.write(Buffer.from("838000000000", "hex")),
        // Text that is not UTF-8, masked with zeros.
        ({ client }) => client.transport.ws._socket.write(Buffer.from("81820000000034ff", "hex")),
        ({ socket }) => socket.transport.socket.terminate(),
        ({ socket }) => socket.transport.socket.close(4001, "bye"),
        ({ socket }) => socket.transport.close(),
      ];
      for (const way of ways) {
        const ends = await open(websocket);
        const both = Promise.all([once(ends.client, "close"), once(ends.socket, "close")]);
        way(ends);
        await both;
      }
    }),
  heartbeat: () =>
    log({ pingInterval: 500, pingTimeout: 1000 }, async ({ open }) => {
      const { client, socket } = await open(websocket);
      await once(socket, "heartbeat");
      client._sendPacket = () => {};
      await once(client, "close");
    }),
  serverCloses: () =>
    log({}, async ({ open, server }) => {
      const ends = [await open(websocket), await open(websocket)];
      const closed = Promise.all(ends.map(({ client }) => once(client, "close")));
      server.close();
      await closed;
    }),
  refused: () =>
    log(
      { allowRequest: (request, decide) => decide("not you", request.headers["x-who"] === "friend") },
      async ({ port, entries, server }) => {
        server.on("headers", (headers) => (headers["x-added"] = "by headers"));
        server.on("initial_headers", (headers) => (headers["x-first"] = "by initial_headers"));
        const at = (query) => `ws://127.0.0.1:${port}/engine.io/?EIO=4&${query}`;
        const friend = { headers: { "x-who": "friend" } };
        for (const [query, options] of [
          ["transport=websocket", {}],
          ["transport=websocket", friend],
          ["transport=websocket", { ...friend, perMessageDeflate: false }],
          ["transport=unknown", friend],
          ["transport=websocket&sid=unknown", friend],
          ["transport=polling", friend],
        ]) {
          entries.client.push([query, await upgradeBy(at(query), options)]);
          await sleep(20);
        }
        entries.client.push(["EIO=2", await upgradeBy(at("transport=websocket").replace("EIO=4", "EIO=2"), friend)]);
        entries.client.push([
          "version 8",
          await upgradeBy(at("transport=websocket"), { ...friend, protocolVersion: 8 }),
        ]);
        entries.client.push(["another path", await upgradeBy(`ws://127.0.0.1:${port}/another`, friend)]);
      },
    ),
};

const report = {};
for (const [name, part] of Object.entries(parts)) report[name] = await part();
console.log(JSON.stringify(report));
