// Shows from outside which path the bytes of a connection take.

import type { Duplex } from "node:stream";
import type { Connection } from "../../../src/node/index.ts";

/** Whether its socket reads into memory that it was given, as with the option `onread`. */
export function readsDirectly({ socket }: Connection): boolean {
  const inside = socket as never as Record<symbol, unknown>;
  return Object.getOwnPropertySymbols(socket).some((symbol) => inside[symbol] instanceof Uint8Array);
}

/** Counts the writes to the stream of a socket from now on. */
export function countWrites(socket: Duplex): () => number {
  let count = 0;
  const { write } = socket;
  socket.write = (...args: unknown[]): boolean => {
    count++;
    return Reflect.apply(write, socket, args);
  };
  return () => count;
}
