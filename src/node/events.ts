// What a Connection emits, and how.

import { EventEmitter } from "node:events";
import type { ConnectionError } from "./event-target.ts";

/** What a Connection emits: the arguments of its listeners. */
export interface ConnectionEvents {
  /** A text message, or a binary one, whose bytes are yours. */
  message: [data: string | Uint8Array<ArrayBuffer>, isBinary: boolean];
  /** A Ping (RFC 6455 §5.5.2). It is answered with a Pong, unless `autoPong` is off. Its bytes are yours. */
  ping: [data: Uint8Array<ArrayBuffer>];
  /** A Pong (§5.5.3). Its bytes are yours. */
  pong: [data: Uint8Array<ArrayBuffer>];
  /** The peer has broken a rule, or the socket failed. Without a listener nothing is thrown. */
  error: [error: ConnectionError];
  /**
   * The peer has sent its Close. You can still answer what came before: ours goes out when this turn is over, and close() says
   * what is in it, in place of the peer's code. As in "close", the code is 1005 if there was none.
   */
  closing: [code: number, reason: string];
  /**
   * The last event, once the socket has closed. The code is 1005 if the peer's Close had none, and 1006 if there was no Close
   * (RFC 6455 §7.1.5).
   */
  close: [code: number, reason: string, wasClean: boolean];
}

/** How a connection has ended (RFC 6455 §7.1.4 to §7.1.6). */
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
 * The EventEmitter that a Connection is. It notices when "message" gets or loses listeners, and an exception in a listener does
 * not interrupt the code that emits. Not internal itself: the published types of Connection extend it.
 */
export abstract class ConnectionEmitter extends EventEmitter<ConnectionEvents> {
  /** As in every EventEmitter. The first listener of "message" gets the messages that have waited. @internal */
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

  /** As on(), in front of the other listeners. @internal */
  override prependListener<K extends keyof ConnectionEvents>(
    name: K,
    listener: (...args: ConnectionEvents[K]) => void,
  ): this {
    super.prependListener(name as never, listener as never);
    if (name === "message") this.#changed();
    return this;
  }

  /** As in every EventEmitter. Without a listener of "message", messages wait again, and so does the peer. @internal */
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

  /** Those of one event, or of all. @internal */
  override removeAllListeners(name?: keyof ConnectionEvents): this {
    // Called without an argument it removes those of all names; with undefined, none.
    if (name === undefined) super.removeAllListeners();
    else super.removeAllListeners(name as never);
    this.#changed();
    return this;
  }

  /** "message" has other listeners than before: the only one, if calling it is all that emit() would do. @internal */
  protected abstract listenersChanged(some: boolean, only: MessageListener | undefined): void;

  /** @internal */
  emitSafely<K extends keyof ConnectionEvents>(name: K, ...args: ConnectionEvents[K]): void {
    // An "error" without listeners would be thrown: a peer could end the process.
    if (this.listenerCount(name) === 0) return;
    try {
      this.emit(name as never, ...(args as never));
    } catch (error) {
      throwLater(error);
    }
  }

  #changed(): void {
    const listeners = this.rawListeners("message") as MessageListener[];
    // Node can be told to look after what listeners return: then emit() has more to do.
    const only = listeners.length === 1 && !EventEmitter.captureRejections ? listeners[0] : undefined;
    this.listenersChanged(listeners.length > 0, only);
  }
}

/** An exception of a listener is thrown where nothing else is interrupted. @internal */
export function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
