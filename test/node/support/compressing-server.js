// The server of event-loop.slow.ts, in a process whose event loop can be watched. It sends long compressed messages to
// each connection, and echoes on /echo. It tells its parent how late its timers were.

import { once } from "node:events";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setImmediate } from "node:timers/promises";
import { perMessageDeflate } from "../../../dist/index.js";
import { serve } from "../../../dist/node.js";

const ROW = 100;
const sliceSize = Number(process.argv[2]);
const text = JSON.stringify(
  Array.from({ length: 1_048_576 / ROW }, (_, i) => ({ id: i * 7919, name: `user ${i % 977}`, score: i ** 3 / 7 })),
).padEnd(1_048_576, " ");
const delays = monitorEventLoopDelay({ resolution: 1 });
const receivers = [];
let sent = 0;

async function sendOnAndOn(connection) {
  while (connection.send(text)) {
    await connection.drained();
    sent++;
    // If the system takes everything at once, others would get no turn.
    await setImmediate();
  }
}

const options = { port: 0, host: "127.0.0.1", extensions: [perMessageDeflate()], sliceSize };
const server = await serve(options, (connection, request) => {
  if (request.url === "/echo") connection.on("message", (data) => connection.send(data));
  else receivers.push(connection);
});
process.send(server.port);
for (;;) {
  const [what] = await once(process, "message");
  if (what === "begin") {
    for (const connection of receivers) void sendOnAndOn(connection);
  } else if (what === "watch") {
    sent = 0;
    delays.reset();
    delays.enable();
  } else {
    process.send({ sent, p50: delays.percentile(50) / 1e6, p99: delays.percentile(99) / 1e6 });
  }
}
