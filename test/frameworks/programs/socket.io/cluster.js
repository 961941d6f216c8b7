// Clients of two servers that share a Redis. Prints a report.
//
//   node cluster.js <port> <port>

import { once } from "node:events";
import { io as connect } from "socket.io-client";
import { sleep, until } from "./support.js";

const names = ["a", "b", "c", "d"];
const clients = names.map((_, index) =>
  connect(`http://127.0.0.1:${process.argv[2 + (index % 2)]}`, {
    // The second client upgrades, the others start as WebSockets.
    transports: index === 1 ? ["polling", "websocket"] : ["websocket"],
    forceNew: true,
    reconnection: false,
  }),
);
const got = clients.map(() => []);
for (const [index, client] of clients.entries()) {
  client.on("said", (value) => got[index].push(Buffer.isBuffer(value) ? `bytes ${value}` : value));
  client.on("who", (answer) => answer(names[index]));
}
await Promise.all(clients.map((client) => once(client, "connect")));
const [a, b, c, d] = clients;
await until(() => b.io.engine.transport.name === "websocket");

// a and c are connected to the first server, b and d to the second.
for (const client of [a, b, c]) await client.emitWithAck("join", "room");
const report = { count: await d.emitWithAck("count", "room") };
await a.emitWithAck("say", "room", "of a");
// Redis keeps no order between messages of two servers.
await until(() => [0, 1, 2].every((index) => got[index].length === 1));
await d.emitWithAck("say", "room", Buffer.from("of d"));
await until(() => [0, 1, 2].every((index) => got[index].length === 2));
await b.emitWithAck("move", "room", "other");
// The other server gets no event for this.
while ((await a.emitWithAck("count", "other")) < 3) await sleep(10);
await c.emitWithAck("say", "other", "x".repeat(100_000));
await until(() => [0, 1, 2].every((index) => got[index].length === 3));
report.got = got.map((values) => values.map((value) => (value.length > 100 ? value.length : value)));
report.everybody = (await a.emitWithAck("everybody")).toSorted();
report.servers = (await a.emitWithAck("tell")).length;
const left = Promise.all([a, b, c].map((client) => once(client, "disconnect")));
d.emit("dismiss", "room");
report.left = (await left).map(([reason]) => reason);
report.stays = d.connected;
d.disconnect();
console.log(JSON.stringify(report));
