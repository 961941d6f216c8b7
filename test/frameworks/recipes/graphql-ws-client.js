// The recipe of docs/frameworks.md replaces the line BLOCK. The rest is a server that it uses.
import { buildSchema } from "graphql";
import { useServer } from "graphql-ws/use/ws";
import { WebSocketServer } from "ws";

const server = new WebSocketServer({ port: 8080, path: "/graphql" });
useServer({ schema: buildSchema("type Query { hello: String }"), roots: { query: { hello: () => "hello" } } }, server);

// BLOCK

server.close();
