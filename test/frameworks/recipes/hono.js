// The recipe of docs/frameworks.md replaces the line BLOCK. The rest is a client that uses it.
import { echoes } from "../programs/support.js";

// BLOCK

await echoes("ws://localhost:8080/echo");
server.close();
