import type { Duplex } from "node:stream";
import type { AgreedExtension, Bytes } from "../index.ts";
import { Connection } from "../node/connection.ts";
import { type ConnectionEvents, throwLater } from "../node/events.ts";
import type { ConnectionOptions } from "../node/options.ts";
import type { ControlOptions, SentCallback } from "../node/outbox.ts";
import { messageIn } from "./sent-frames.ts";

/** What a SocketConnection tells its WebSocket. */
export interface ConnectionOwner {
  /** @internal */
  received(data: Buffer, isBinary: boolean): void;
  /** @internal */
  receivedControl(name: "ping" | "pong", data: Buffer): void;
  /** @internal */
  receivedClose(code: number, reason: string): void;
  /** @internal */
  failed(error: Error): void;
  /** @internal */
  broken(error: unknown): void;
  /** @internal */
  ended(code: number, reason: string): void;
}

/**
 * The Connection of a WebSocket. Its events go to the WebSocket without an emitter between: six listeners would take 500 bytes
 * for each connection.
 *
 * @internal
 */
export class SocketConnection extends Connection {
  readonly #owner: ConnectionOwner;
  /** Whether more waits than the stream would hold, past its queue: it will not tell when that has gone. */
  declare private _blocked?: boolean;

  constructor(
    owner: ConnectionOwner,
    socket: Duplex,
    role: "server" | "client",
    agreed: { readonly protocol: string; readonly extensions: readonly AgreedExtension[] },
    head: Uint8Array,
    options: ConnectionOptions,
  ) {
    super(socket, role, agreed, head, options);
    this.#owner = owner;
    // Nobody listens to it. An emitter makes this when it is needed, and it takes 200 bytes.
    (this as unknown as { _events: undefined })._events = undefined;
    this.listenersChanged(true, SocketConnection.#onMessage as (data: string | Uint8Array, isBinary: boolean) => void);
  }

  /**
   * Sends a message that is a frame already, as buffers end to end: what Sender.frame() returns. The callback says that the next
   * may come. Once it has been used to send that, it is called before the write, if nothing waits: then all leaves together.
   * @throws TypeError if it is not one whole message
   */
  sendFrame(list: readonly Uint8Array[], callback?: SentCallback): void {
    const message = messageIn(list);
    if (callback === undefined) this.send(message);
    else if (!this.sendEagerly(message, callback)) process.nextTick(callback, new Error("WebSocket is not open"));
  }

  /** As in ws, what was sent before leaves, as far as the system takes it. */
  override terminate(): void {
    this.flushNow();
    super.terminate();
  }

  /** As in ws, it follows the messages before it. */
  override ping(data?: string | Bytes, options?: ControlOptions): boolean {
    return this.control("ping", data, options);
  }

  /** The same. */
  override pong(data?: string | Bytes, options?: ControlOptions): boolean {
    return this.control("pong", data, options);
  }

  static #onMessage(this: SocketConnection, data: Buffer, isBinary: boolean): void {
    this.#owner.received(data, isBinary);
  }

  /** @internal */
  override emitSafely<K extends keyof ConnectionEvents>(name: K, ...args: ConnectionEvents[K]): void {
    try {
      this.#tell(name, args);
    } catch (error) {
      throwLater(error);
    }
  }

  /** What is no fault of the peer: unlike a stream that has failed, it is told. @internal */
  override broken(error: unknown): void {
    super.broken(error);
    try {
      this.#owner.broken(error);
    } catch (thrown) {
      throwLater(thrown);
    }
  }

  /** @internal */
  override taken(): void {
    super.taken();
    const { socket } = this;
    if (socket.writableLength > 0) return;
    const waiting = this.bufferedAmount;
    if (waiting > socket.writableHighWaterMark) {
      this._blocked = true;
    } else if (waiting === 0 && this._blocked) {
      this._blocked = false;
      socket.emit("drain");
    }
  }

  #tell(name: keyof ConnectionEvents, args: readonly unknown[]): void {
    const owner = this.#owner;
    switch (name) {
      case "message":
        owner.received(args[0] as Buffer, args[1] as boolean);
        break;
      case "ping":
      case "pong":
        owner.receivedControl(name, args[0] as Buffer);
        break;
      case "closing":
        owner.receivedClose(args[0] as number, args[1] as string);
        break;
      case "error":
        owner.failed(args[0] as Error);
        break;
      case "close":
        owner.ended(args[0] as number, args[1] as string);
        break;
    }
  }
}
