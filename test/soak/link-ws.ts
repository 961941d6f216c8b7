// A connection of ws, at either end.

import { WebSocket } from "ws";
import { pieces } from "./contents.ts";
import { drainedBelow, type Link, type Message } from "./session.ts";

/** The most unsent data in bytes, as with wsframe. */
const MARK = 1 << 20;

export class WsLink implements Link {
  readonly socket: WebSocket;

  constructor(socket: WebSocket) {
    this.socket = socket;
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN;
  }

  get waiting(): number {
    return this.socket.bufferedAmount;
  }

  send(data: Message, fragments: number): boolean {
    for (const [index, part] of pieces(data, fragments).entries()) {
      this.socket.send(part, { fin: index === fragments - 1 });
    }
    return true;
  }

  drained(): Promise<void> {
    return drainedBelow(this, MARK);
  }

  ping(payload: string): void {
    this.socket.ping(payload);
  }

  close(code: number): void {
    this.socket.close(code);
  }
}

interface Listener {
  message(data: Message): void;
  pong(payload: string): void;
}

/** Passes messages to a session, as fast as it reads. */
export function listen(socket: WebSocket, slow: number, session: Listener): void {
  socket.on("pong", (data) => session.pong(data.toString()));
  socket.on("message", (data: Buffer, isBinary) => {
    // Pass the session a copy, as with wsframe.
    session.message(isBinary ? new Uint8Array(data) : data.toString());
    if (slow === 0) return;
    socket.pause();
    setTimeout(() => socket.resume(), slow);
  });
}
