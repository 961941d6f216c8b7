// A connection of wsframe, at either end.

import type { Connection } from "wsframe/node";
import { pieces } from "./contents.ts";
import type { Order } from "./order.ts";
import { type Link, type Message, sleep } from "./session.ts";

export class WsframeLink implements Link {
  readonly connection: Connection;

  constructor(connection: Connection) {
    this.connection = connection;
  }

  /** Messages from before the peer's Close can still be answered. send() reports when it is too late. */
  get isOpen(): boolean {
    return this.connection.readyState !== 3;
  }

  get waiting(): number {
    return this.connection.bufferedAmount;
  }

  send(data: Message, fragments: number): boolean {
    const { connection } = this;
    if (fragments === 1) return connection.send(data);
    const parts = pieces(data, fragments);
    if (fragments % 2 === 0) {
      void connection.send(stream(parts));
      return true;
    }
    const last = parts.pop()!;
    return parts.every((part) => connection.send(part, { fin: false })) && connection.send(last);
  }

  async drained(): Promise<void> {
    if (this.connection.needDrain) await this.connection.drained();
  }

  ping(payload: string): void {
    this.connection.ping(payload);
  }

  close(code: number): void {
    this.connection.close(code);
  }
}

/** Sends pieces with pauses between them. */
async function* stream(parts: readonly (string | Uint8Array<ArrayBuffer>)[]): AsyncGenerator<string | Uint8Array> {
  for (const part of parts) {
    yield part;
    await sleep(1);
  }
}

interface Listener {
  message(data: Message): void;
  pong(payload: string): void;
}

/** Passes messages to a session, either to a listener or slowly in a loop. */
export async function listen(connection: Connection, slow: Order["slowClient"], session: Listener): Promise<void> {
  connection.on("error", () => {});
  connection.on("pong", (data) => session.pong(new TextDecoder().decode(data)));
  if (slow === 0) {
    connection.on("message", (data) => session.message(data));
    return;
  }
  for await (const data of connection) {
    await sleep(slow);
    session.message(data);
  }
}
