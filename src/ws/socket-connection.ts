import type { Duplex } from "node:stream";
import type { AgreedExtension, Bytes } from "../index.ts";
import { Connection } from "../node/connection.ts";
import { type ConnectionEvents, throwLater } from "../node/events.ts";
import type { ConnectionOptions } from "../node/options.ts";
import type { ControlOptions, SentCallback } from "../node/outbox.ts";
import { messageIn } from "./sent-frames.ts";

/** The methods that a SocketConnection calls on its WebSocket. */
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
 * The Connection of a WebSocket. It calls the WebSocket directly instead of emitting events: six listeners would take 500 bytes
 * per connection.
 *
 * @internal
 */
export class SocketConnection extends Connection {
  readonly #owner: ConnectionOwner;
  /** Whether more bytes wait outside of the stream's queue than it would hold. The stream does not emit "drain" for those. */
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
    // This connection has no listeners. An emitter creates this object of 200 bytes when it needs one.
    (this as unknown as { _events: undefined })._events = undefined;
    this.listenersChanged(true, SocketConnection.#onMessage as (data: string | Uint8Array, isBinary: boolean) => void);
  }

  /**
   * Sends a message that is already a frame: the buffers that Sender.frame() returned. The callback means that you may send the
   * next one. If callbacks have sent frames before and nothing waits, it is called before the write, so that all frames leave in
   * one write.
   * @throws TypeError if it is not one whole message
   */
  sendFrame(list: readonly Uint8Array[], callback?: SentCallback): void {
    const message = messageIn(list);
    if (callback === undefined) this.send(message);
    else if (!this.sendEagerly(message, callback)) process.nextTick(callback, new Error("WebSocket is not open"));
  }

  /** As in ws, messages sent before are still written, as far as the system accepts them. */
  override terminate(): void {
    this.flushNow();
    super.terminate();
  }

  /** As in ws, a Ping stays in order with messages. */
  override ping(data?: string | Bytes, options?: ControlOptions): boolean {
    return this.control("ping", data, options);
  }

  /** As in ws, a Pong stays in order with messages. */
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

  /** Reports an error that is not the peer's fault. Errors of the stream are not reported. @internal */
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
