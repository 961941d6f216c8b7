// Broadcasts to many clients in other processes. Prints their reports, and the time in milliseconds.
//
//   node broadcast.js <clients> <broadcasts> [<folder of wsframe, for its server as wsEngine>]

import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { engineOptions, start, until } from "./support.js";

/** The number of clients per process. */
const SHARE = 500;

const [clients, broadcasts, folder] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
const server = await start(engineOptions(folder));
let connected = 0;
server.io.on("connection", () => (connected += 1));
const children = Array.from({ length: clients / SHARE }, () =>
  fork(fileURLToPath(new URL("crowd.js", import.meta.url)), [server.url, String(SHARE), String(broadcasts)]),
);
const reports = Promise.all(children.map((child) => once(child, "message")));
await until(() => connected === clients, 40_000);

const began = performance.now();
for (let number = 0; number < broadcasts; number += 1) {
  server.io.emit("news", number, "x".repeat(100));
  // Half of them one per turn, the others ten per turn.
  if (number < broadcasts / 2 || number % 10 === 9) await new Promise((resolve) => setImmediate(resolve));
}
const got = (await reports).map(([report]) => report);
const took = performance.now() - began;
for (const child of children) child.send("end");
await Promise.all(children.map((child) => once(child, "exit")));
await server.close();
console.log(JSON.stringify({ connected, got, took }));
