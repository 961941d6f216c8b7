// The recipe of docs/frameworks.md replaces the line BLOCK. The rest is a server that it uses.
import { initTRPC } from "@trpc/server";
import { applyWSSHandler } from "@trpc/server/adapters/ws";
import { WebSocketServer } from "ws";

const t = initTRPC.create();
const wss = new WebSocketServer({ port: 8080 });
applyWSSHandler({ wss, router: t.router({ hello: t.procedure.query(() => "hello") }) });

// BLOCK

wss.close();
