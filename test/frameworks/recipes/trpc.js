// The recipe of docs/frameworks.md replaces the line BLOCK. The rest is a client that uses it.
import { answers } from "../programs/support.js";

// BLOCK

await answers(
  "ws://localhost:8080",
  ['{"id":1,"method":"query","params":{"path":"hello"}}'],
  ['{"id":1,"result":{"type":"data","data":"hello"}}'],
);
server.close();
