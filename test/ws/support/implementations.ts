// The two implementations that the tests compare, ws and wsframe/ws. Both get the types of @types/ws, with options that those lack.

import type { Socket as NetSocket } from "node:net";
import { createRequire } from "node:module";
import * as ws from "ws";
import main from "../../../src/ws/cjs.ts";
import * as wsframe from "../../../src/ws/index.ts";

/** Options that ws documents, but @types/ws does not declare. */
interface Undeclared {
  closeTimeout?: number;
  maxPendingAutoPongs?: number;
}

export type ServerOptions = ws.ServerOptions & Undeclared;
export type ClientOptions = Omit<ws.ClientOptions, "finishRequest" | "headers"> &
  Undeclared & {
    auth?: string;
    finishRequest?: ws.ClientOptions["finishRequest"];
    headers?: Record<string, string>;
    protocols?: string | string[];
  };
export type Socket = ws.WebSocket;
export type Server = ws.WebSocketServer;

export interface Implementation {
  readonly name: "ws" | "wsframe";
  /** The namespace of the module. */
  readonly module: object;
  /** The class with its statics, as returned by `require()`. */
  readonly main: typeof ws.WebSocket & typeof ws & { readonly Server: typeof ws.WebSocketServer };
  readonly WebSocket: typeof ws.WebSocket;
  readonly WebSocketServer: typeof ws.WebSocketServer;
  readonly createWebSocketStream: typeof ws.createWebSocketStream;
}

function implementation(name: "ws" | "wsframe", module: typeof ws, main: unknown): Implementation {
  const { WebSocket, WebSocketServer, createWebSocketStream } = module;
  return { name, module, main: main as Implementation["main"], WebSocket, WebSocketServer, createWebSocketStream };
}

export const reference: Implementation = implementation("ws", ws, createRequire(import.meta.url)("ws"));
export const ours: Implementation = implementation("wsframe", wsframe as unknown as typeof ws, main);

/** Fields that programs use, although their names say that they are internal. */
export interface Internals {
  readonly _socket: NetSocket;
  readonly _sender: { sendFrame(list: (Buffer | string)[], callback?: (error?: Error) => void): void };
}

export function internals(socket: Socket): Internals {
  return socket as unknown as Internals;
}
