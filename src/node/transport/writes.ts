// Writes that bypass the queue of a socket's stream. If the system takes the bytes at once, the write is done when the
// call returns.

import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { isSocket } from "./sockets.ts";

/**
 * Gets the result of a write that the system did not take at once. Not marked internal, because the published types name it.
 */
export interface Writer {
  /** @internal */
  wrote(error: Error | null | undefined): void;
}

/** One write. Each pending write has its own object, because the callback must know whose it is. */
class DirectWrite {
  writer: Writer | undefined = undefined;
  /** Whether the call to _write() is running. */
  #calling = false;
  #error: Error | null | undefined = undefined;

  /** Returns whether the system has taken everything. @throws the error of the socket */
  start(socket: Socket, bytes: Uint8Array): boolean {
    this.#calling = true;
    this.#error = undefined;
    // For bytes, _write() ignores the encoding.
    socket._write(bytes, "buffer" as BufferEncoding, this.#called);
    const done = !this.#calling;
    this.#calling = false;
    if (this.#error) throw this.#error;
    return done;
  }

  readonly #called = (error?: Error | null): void => {
    if (this.#calling) {
      this.#calling = false;
      this.#error = error;
      return;
    }
    const { writer } = this;
    this.writer = undefined;
    if (spare.length < MOST_SPARE) spare.push(this);
    writer?.wrote(error);
  };
}

const MOST_SPARE = 64;
const spare: DirectWrite[] = [];

/** Whether writeDirectly() may be used for this stream. @internal */
export function writesDirectly(socket: Duplex): boolean {
  return isSocket(socket) && typeof socket._write === "function" && socket._write === Socket.prototype._write;
}

/** Whether nothing is queued in the socket, so that a direct write keeps the order. @internal */
export function isClear(socket: Duplex): boolean {
  return socket.writableLength === 0 && socket.writableCorked === 0 && !(socket as Socket).connecting;
}

/**
 * Writes bytes, which are borrowed until they are written. Returns true if the system has taken everything. Otherwise
 * `writer.wrote()` is called later: until then, write nothing else, and do not end the socket. The socket must be
 * clear.
 * @throws the error of the socket
 * @internal
 */
export function writeDirectly(socket: Duplex, bytes: Uint8Array, writer: Writer): boolean {
  const write = spare.pop() ?? new DirectWrite();
  const done = write.start(socket as Socket, bytes);
  if (done) spare.push(write);
  else write.writer = writer;
  return done;
}
