// The events of a Connection, and how it emits them.

import { EventEmitter } from "node:events";
import type { ConnectionError } from "./event-target.ts";

/** The events of a Connection, each with the arguments of its listeners. */
export interface ConnectionEvents {
  /**
   * A message (RFC 6455 §5.6). `isBinary` is false for text, which is a string unless `textType` is set. The bytes of a
   * binary message are yours. Messages wait until there is a listener or a loop.
   */
  message: [data: string | Uint8Array<ArrayBuffer>, isBinary: boolean];
  /** A Ping (RFC 6455 §5.5.2). It is answered with a Pong, unless `autoPong` is off. Its bytes are yours. */
  ping: [data: Uint8Array<ArrayBuffer>];
  /** A Pong (RFC 6455 §5.5.3). Its bytes are yours. */
  pong: [data: Uint8Array<ArrayBuffer>];
  /**
   * The peer broke a rule, or the socket failed: see ConnectionError. "close" follows. Without a listener, nothing is
   * thrown.
   */
  error: [error: ConnectionError];
  /**
   * The peer has sent its Close (RFC 6455 §5.5.1). You can still answer earlier messages: our Close is sent at the end
   * of this turn. It repeats the peer's code, unless you call close() with another one. As in "close", the code is 1005
   * if there was none.
   */
  closing: [code: number, reason: string];
  /**
   * The last event, once the socket has closed. The code is that of the peer's Close, 1005 if that had none, and 1006
   * if there was no Close (RFC 6455 §7.1.5). `wasClean` says whether there was one.
   */
  close: [code: number, reason: string, wasClean: boolean];
}

/** How a connection ended (RFC 6455 §7.1.4 to §7.1.6). */
export interface Ending {
  /** The code of the peer's Close; 1005 if it had none, 1006 if there was no Close. */
  readonly code: number;
  /** The reason in the peer's Close, or "". */
  readonly reason: string;
  /** Whether the peer sent a Close. */
  readonly wasClean: boolean;
}

/** A listener of "message". @internal */
export type MessageListener = (data: string | Uint8Array<ArrayBuffer>, isBinary: boolean) => void;

/**
 * A Connection as an EventEmitter. It notices when "message" gets or loses listeners, and an exception in a listener
 * does not interrupt the code that emits. Not marked internal, because the published types of Connection extend it.
 */
export abstract class ConnectionEmitter extends EventEmitter<ConnectionEvents> {
  /** Like EventEmitter.on(). The first listener of "message" gets the waiting messages. @internal */
  override on<K extends keyof ConnectionEvents>(name: K, listener: (...args: ConnectionEvents[K]) => void): this {
    super.on(name as never, listener as never);
    if (name === "message") this.#changed();
    return this;
  }

  /** The same as on(). @internal */
  override addListener<K extends keyof ConnectionEvents>(
    name: K,
    listener: (...args: ConnectionEvents[K]) => void,
  ): this {
    return this.on(name, listener);
  }

  /** Like on(), but before the other listeners. @internal */
  override prependListener<K extends keyof ConnectionEvents>(
    name: K,
    listener: (...args: ConnectionEvents[K]) => void,
  ): this {
    super.prependListener(name as never, listener as never);
    if (name === "message") this.#changed();
    return this;
  }

  /** Like EventEmitter.off(). Without a listener of "message", messages wait again. @internal */
  override off<K extends keyof ConnectionEvents>(name: K, listener: (...args: ConnectionEvents[K]) => void): this {
    super.off(name as never, listener as never);
    if (name === "message") this.#changed();
    return this;
  }

  /** The same as off(). @internal */
  override removeListener<K extends keyof ConnectionEvents>(
    name: K,
    listener: (...args: ConnectionEvents[K]) => void,
  ): this {
    return this.off(name, listener);
  }

  /** Removes the listeners of one event, or of all. @internal */
  override removeAllListeners(name?: keyof ConnectionEvents): this {
    // Without an argument it removes the listeners of all events; with undefined, none.
    if (name === undefined) super.removeAllListeners();
    else super.removeAllListeners(name as never);
    this.#changed();
    return this;
  }

  /**
   * The listeners of "message" have changed. `only` is the single listener, if calling it is all that emit() would do.
   * @internal
   */
  protected abstract listenersChanged(some: boolean, only: MessageListener | undefined): void;

  /** @internal */
  emitSafely<K extends keyof ConnectionEvents>(name: K, ...args: ConnectionEvents[K]): void {
    // Without a listener, emit() would throw an "error", and a peer could end the process.
    if (this.listenerCount(name) === 0) return;
    try {
      this.emit(name as never, ...(args as never));
    } catch (error) {
      throwLater(error);
    }
  }

  #changed(): void {
    const listeners = this.rawListeners("message") as MessageListener[];
    // With captureRejections, emit() also handles what listeners return.
    const only = listeners.length === 1 && !EventEmitter.captureRejections ? listeners[0] : undefined;
    this.listenersChanged(listeners.length > 0, only);
  }
}

/** Throws an exception of a listener later, where it interrupts nothing else. @internal */
export function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
