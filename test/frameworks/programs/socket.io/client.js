// A client for the server in peers/flask_server.py. Prints a report.
//
//   node client.js <url> <transports>

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { io as connect } from "socket.io-client";
import { until } from "./support.js";

const [url, transports] = [process.argv[2], process.argv[3].split(",")];

const open = () => connect(url, { transports, forceNew: true, reconnection: false });
const client = open();
const other = open();
await Promise.all([client, other].map((socket) => once(socket, "connect")));
await until(() => client.io.engine.transport.name === "websocket" && other.io.engine.transport.name === "websocket");

const said = [[], []];
for (const [index, socket] of [client, other].entries()) {
  socket.on("said", (value) => said[index].push(Buffer.isBuffer(value) ? value.toString("hex") : value));
}
client.on("question", (number, answer) => answer(number * 2));
const answered = once(client, "answered");
const text = "a \u{1F600} é".repeat(10_000);
const bytes = randomBytes(300_000);
const nested = { list: [1, Buffer.from("a"), { deep: Buffer.from("b") }], none: null };
const report = { how: await client.emitWithAck("how"), add: await client.emitWithAck("add", 40, 2) };
report.text = (await client.emitWithAck("echo", text)) === text;
report.bytes = bytes.equals(await client.emitWithAck("echo", bytes));
const back = await client.emitWithAck("echo", nested);
report.nested = [back.list[0], String(back.list[1]), String(back.list[2].deep), back.none];
client.emit("ask");
report.answered = await answered;
await client.emitWithAck("join", "room");
other.emit("say", "room", "for the room");
other.emit("say", "room", Buffer.from([1, 2]));
await until(() => said[0].length === 2);
report.said = said;
// Meanwhile, the server sends its pings.
const pings = [];
client.io.engine.on("ping", () => pings.push("ping"));
await until(() => pings.length >= 2);
report.many = (await Promise.all(Array.from({ length: 500 }, (_, index) => client.emitWithAck("add", index, 1)))).every(
  (sum, index) => sum === index + 1,
);
const refused = client.io.socket("/refused");
refused.connect();
report.refused = (await once(refused, "connect_error"))[0].message;
const ends = Promise.all([client, other].map((socket) => once(socket, "disconnect")));
client.emit("leave");
other.io.engine.close();
report.ends = (await ends).map(([reason]) => reason);
client.io.engine.close();
console.log(JSON.stringify(report));
