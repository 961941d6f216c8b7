// A connected client, and requests before and after SIGTERM. The process must exit by itself.
import { deepStrictEqual } from "node:assert";
import { once } from "node:events";
import { WebSocket } from "ws";

process.env.DRAIN = "200";

// BLOCK

const health = async () => {
  const { status } = await fetch("http://localhost:8080/", { headers: { connection: "close" } });
  return status;
};
const client = new WebSocket("ws://localhost:8080");
await once(client, "open");
deepStrictEqual(await health(), 200);

const closed = once(client, "close");
process.kill(process.pid, "SIGTERM");
await setTimeout(50);
deepStrictEqual(await health(), 503);
client.send("still answered");
deepStrictEqual(String((await once(client, "message"))[0]), "still answered");
const [code, reason] = await closed;
deepStrictEqual([code, String(reason)], [1012, "restarting"]);
// Waits until the server has stopped listening.
await setTimeout(50);
deepStrictEqual(await health().catch((error) => error.cause.code), "ECONNREFUSED");
