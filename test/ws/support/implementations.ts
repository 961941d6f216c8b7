// What is compared: ws, and wsframe/ws. One type for both, that of ws's own typings, with what they leave out.

import type { Socket as NetSocket } from "node:net";
import { createRequire } from "node:module";
import * as ws from "ws";
import main from "../../../src/ws/cjs.ts";
import * as wsframe from "../../../src/ws/index.ts";

/** Of ws's documentation, and not in its typings. */
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
  /** The module's namespace. */
  readonly module: object;
  /** The class with everything on it, as `require()` gives it. */
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

/** What users reach for though its name says that it is internal. */
export interface Internals {
  readonly _socket: NetSocket;
  readonly _sender: { sendFrame(list: (Buffer | string)[], callback?: (error?: Error) => void): void };
}

export function internals(socket: Socket): Internals {
  return socket as unknown as Internals;
}
