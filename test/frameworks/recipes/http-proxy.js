// The recipe of docs/frameworks.md replaces the line BLOCK. The rest is a client that uses it.
import assert from "node:assert/strict";
import { WebSocket } from "ws";
import { event } from "../programs/support.js";

// BLOCK

const socket = new WebSocket("ws://localhost:8080");
assert.equal(String((await event(socket, "message"))[0]), "hello");
socket.terminate();
proxy.close();
server.close();
