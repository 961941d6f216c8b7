import type { Queue } from "./queue.ts";

export interface Closed {
  /** The code of the received Close: 1005 for one without a code, 1006 for none. */
  readonly code: number;
  readonly reason: string;
}

/** One end of a connection, ours or a peer's, behind one interface, so that tests can connect the two. */
export interface End {
  /** The subprotocol. Empty if there is none. */
  readonly subprotocol: string;
  /** The value of Sec-WebSocket-Extensions in the response. Undefined if this end does not report it. */
  readonly extensions?: string;
  readonly messages: Queue<string | Buffer>;
  readonly pings: Queue<string>;
  readonly pongs: Queue<string>;
  readonly closed: Promise<Closed>;
  send(data: string | Uint8Array): void;
  /** Sends all messages in one write, as far as this end can control that. */
  burst(messages: readonly (string | Uint8Array)[]): void;
  /** Sends a fragmented message, with a Ping before each fragment except the first. */
  sendFragments?(parts: readonly (string | Uint8Array)[]): void;
  ping?(data: string): void;
  close(code: number, reason: string): void;
  closeWithoutCode?(): void;
  /** Cuts the connection. */
  abort?(): void;
}
