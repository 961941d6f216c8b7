// The recipe of docs/frameworks.md replaces the line BLOCK. The rest is a client that uses it.
import { answers } from "../programs/support.js";

// BLOCK

await answers(
  "ws://localhost:8080/graphql",
  ['{"type":"connection_init"}', '{"id":"1","type":"subscribe","payload":{"query":"{ hello }"}}'],
  ['{"type":"connection_ack"}', '{"id":"1","type":"next","payload":{"data":{"hello":"hello"}}}'],
  "graphql-transport-ws",
);
server.close();
