// Tests against undici's WebSocket, which is also Node's.

import { channel } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { Agent, buildConnector, ping, WebSocket } from "undici";
import { cleanUp, type Dial, withClient } from "./ours.ts";
import { converse } from "./peers/whatwg.ts";
import { suite } from "./suite.ts";

/** Includes what undici offers in addition to the class. */
class Extended extends WebSocket {
  readonly #socket: Promise<Socket>;

  constructor(url: string, protocols: string[]) {
    let found!: (socket: Socket) => void;
    const socket = new Promise<Socket>((resolve) => (found = resolve));
    const connector = buildConnector({});
    const connect: buildConnector.connector = (options, callback) =>
      connector(options, (...result) => {
        if (result[1]) found(result[1]);
        callback(...result);
      });
    super(url, { protocols, dispatcher: new Agent({ connect }) });
    this.#socket = socket;
    this.#hear("ping");
    this.#hear("pong");
  }

  ping(data: string): void {
    ping(this, Buffer.from(data));
  }

  terminate(): void {
    void this.#socket.then((socket) => socket.destroy());
  }

  #hear(type: "ping" | "pong"): void {
    const { name, listener } = {
      name: `undici:websocket:${type}`,
      listener: (message: unknown) => {
        const { payload, websocket } = message as { payload: Buffer | undefined; websocket: unknown };
        if (websocket === this) this.dispatchEvent(new MessageEvent(type, { data: payload ?? Buffer.alloc(0) }));
      },
    };
    channel(name).subscribe(listener);
    cleanUp(() => channel(name).unsubscribe(listener));
  }
}

const dial: Dial = (order) =>
  converse(order, (url, protocols) => new Extended(url, protocols) as unknown as globalThis.WebSocket);

suite("serve(), and undici's WebSocket", {
  open: withClient(dial),
  lacks: ["fragments", "compressing", "going without compression"],
});
