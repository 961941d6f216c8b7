// The recipe of docs/frameworks.md replaces the line BLOCK. The rest is a client that uses it.
import { event } from "../programs/support.js";

// BLOCK

await event(client, "message");
await client.endAsync();
await new Promise((resolve) => broker.close(resolve));
server.close();
