// Streams and requests in memory, for tests without a network.

import type { IncomingMessage } from "node:http";
import { Duplex } from "node:stream";

/** The Sec-WebSocket-Key of the requests. */
export const KEY: string = "dGhlIHNhbXBsZSBub25jZQ==";

/** Both ends of a stream in memory. */
export function streamPair(): [Duplex, Duplex] {
  const ends: End[] = [];
  class End extends Duplex {
    override _read(): void {}
    override _write(chunk: Buffer, _: string, callback: () => void): void {
      setImmediate(() => {
        if (!this.other.readableEnded && !this.other.destroyed) this.other.push(chunk);
        callback();
      });
    }
    override _final(callback: () => void): void {
      setImmediate(() => {
        if (!this.other.destroyed) this.other.push(null);
        callback();
      });
    }
    get other(): End {
      return ends[ends[0] === this ? 1 : 0]!;
    }
  }
  ends.push(new End(), new End());
  return [ends[0]!, ends[1]!];
}

/** A plain object that has the form of a request. */
export function plainRequest(more: Record<string, string> = {}, url: string = "/"): IncomingMessage {
  const headers = {
    connection: "upgrade",
    upgrade: "websocket",
    "sec-websocket-version": "13",
    "sec-websocket-key": KEY,
    ...more,
  };
  return { method: "GET", url, headers, socket: {} } as unknown as IncomingMessage;
}
