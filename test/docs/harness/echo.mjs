// A client of ws. Each message comes back, text as text and binary as binary.
import { once } from "node:events";
import { deepStrictEqual } from "node:assert";
import { WebSocket } from "ws";

// BLOCK

const client = new WebSocket("ws://localhost:8080");
await once(client, "open");
for (const message of ["hello", Buffer.alloc(70_000, 7), ""]) {
  client.send(message);
  const [data, isBinary] = await once(client, "message");
  deepStrictEqual(isBinary ? data : String(data), message);
}
client.close(4000, "enough");
const [code] = await once(client, "close");
deepStrictEqual(code, 4000);
process.exit();
