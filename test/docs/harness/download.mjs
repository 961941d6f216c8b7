// A client that counts received bytes until the connection is closed.
import { deepStrictEqual } from "node:assert";
import { once } from "node:events";
import { statSync } from "node:fs";
import { WebSocket } from "ws";

// BLOCK

const client = new WebSocket("ws://localhost:8080");
let bytes = 0;
client.on("message", (data) => {
  bytes += /** @type {Buffer} */ (data).length;
});
await once(client, "close");
deepStrictEqual(bytes, statSync("capture.bin").size);
process.exit();
