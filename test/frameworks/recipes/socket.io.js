// The recipe of docs/frameworks.md replaces the line BLOCK. The rest is a client that uses it.
import { once } from "node:events";
import { io as connect } from "socket.io-client";

// BLOCK

const client = connect("http://localhost:8080");
await once(client.io.engine, "upgrade");
const echoed = await client.timeout(5000).emitWithAck("echo", { bytes: Buffer.from("hello") });
if (String(echoed.bytes) !== "hello") throw new Error(`It answered ${JSON.stringify(echoed)}`);
client.disconnect();
await io.close();
