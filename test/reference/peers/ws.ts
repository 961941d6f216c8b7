// ws's Receiver.

import { createRequire } from "node:module";
import { type Found, type FoundError, hex, type Input, type Peer } from "./peer.ts";

interface Receiver {
  on(event: string, listener: (...values: never[]) => void): void;
  _write(chunk: Buffer, encoding: string, callback: (error?: Error & { code?: string }) => void): void;
}

const require = createRequire(import.meta.url);
const { Receiver } = require("ws") as { Receiver: new (options: object) => Receiver };
const { version } = require("ws/package.json") as { version: string };

/** ws keeps the close code under a private symbol. */
function closeCodeOf(error: Error): number | undefined {
  const symbol = Object.getOwnPropertySymbols(error).find(({ description }) => description === "status-code");
  const value: unknown = symbol && Reflect.get(error, symbol);
  return typeof value === "number" ? value : undefined;
}

export function receiveWithWs({ role, chunks }: Input): Found {
  const events: string[] = [];
  let error: FoundError | undefined;
  let closed = false;
  let after = 0;
  const receiver = new Receiver({ isServer: role === "server", maxPayload: 0, allowSynchronousEvents: true });
  receiver.on("message", (data: Buffer, isBinary: boolean) =>
    events.push(`${isBinary ? "binary" : "text"}:${hex(data)}`),
  );
  receiver.on("ping", (data: Buffer) => events.push(`ping:${hex(data)}`));
  receiver.on("pong", (data: Buffer) => events.push(`pong:${hex(data)}`));
  receiver.on("conclude", (code: number, reason: Buffer) => {
    // ws refuses a Close with code 1005, so 1005 here means that there is no code.
    events.push(`close:${code === 1005 ? "none" : code}:${hex(reason)}`);
    closed = true;
  });
  receiver.on("error", () => {});
  for (const chunk of chunks) {
    if (closed || error) break;
    after += chunk.length;
    // ws unmasks in place, so it gets a copy.
    receiver._write(Buffer.from(chunk), "buffer", (failure) => {
      if (failure) error = { closeCode: closeCodeOf(failure), after, code: failure.code };
    });
  }
  return { events, error };
}

export const ws: Peer = {
  name: "ws",
  version,
  roles: ["server", "client"],
  run: async (inputs) => inputs.map(receiveWithWs),
};
