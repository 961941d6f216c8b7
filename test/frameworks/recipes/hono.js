// The recipe of docs/frameworks.md in the place of the line BLOCK, and a client that uses it.
import { echoes } from "../programs/support.js";

// BLOCK

await echoes("ws://localhost:8080/echo");
server.close();
