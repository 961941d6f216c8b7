// Many clients. When all have received all broadcasts, it reports to its parent whether they were complete and in order.
//
//   node crowd.js <url> <clients> <broadcasts>

import { once } from "node:events";
import { io as connect } from "socket.io-client";

const [url, count, broadcasts] = [process.argv[2], Number(process.argv[3]), Number(process.argv[4])];
const clients = [];
let complete = 0;
let wrong = 0;
for (let index = 0; index < count; index += 1) {
  const client = connect(url, { transports: ["websocket"], forceNew: true });
  let next = 0;
  client.on("news", (number, text) => {
    if (number !== next || text.length !== 100) wrong += 1;
    next += 1;
    if (next === broadcasts && ++complete === count) process.send({ complete, wrong });
  });
  clients.push(client);
  // Wait now and then, so that the server's backlog does not overflow.
  if (index % 50 === 49) await once(client, "connect");
}
await once(process, "message");
for (const client of clients) client.disconnect();
process.disconnect();
