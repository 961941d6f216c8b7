// The recipe of docs/frameworks.md replaces the line BLOCK. The rest is a client that uses it.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WebSocket } from "ws";
import { until } from "../programs/support.js";

const folder = mkdtempSync(join(tmpdir(), "wsframe-recipe-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
process.chdir(folder);
writeFileSync("page.js", "document.title = 'tea';");

// BLOCK

const socket = new WebSocket("ws://localhost:8080/ws", { origin: "http://localhost:8080" });
const types = [];
socket.on("message", (data) => types.push(JSON.parse(String(data)).type));
await until("the compile", () => types.includes("ok"));
assert.equal(types[0], "hot");
await server.stop();
