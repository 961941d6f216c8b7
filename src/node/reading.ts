// Chunks of a socket, as soon as it has them.

import { Socket } from "node:net";
import { type Duplex, Readable } from "node:stream";
import { TLSSocket } from "node:tls";

/**
 * Sockets of Node give each chunk that they read to their own push(). While nothing waits in the stream there is no need to
 * go on through its queue, and to ask it to read again: a sixth of the time that an echo of one short message takes. What
 * other runtimes do there is not known to us, and other streams read only when they are asked.
 */
function readsByItself(socket: Duplex): boolean {
  return isSocket(socket) && socket.push === Readable.prototype.push;
}

/** Whether this is a socket of Node itself, and nothing derived from it. @internal */
export function isSocket({ constructor }: Duplex): boolean {
  return (
    process.versions["bun"] === undefined &&
    process.versions["deno"] === undefined &&
    (constructor === Socket || constructor === TLSSocket)
  );
}

/**
 * Returns what makes a socket call `receive` with each chunk, as its `this`. Pausing and resuming the stream work as usual:
 * a chunk that comes while the stream is paused, or has others waiting in it, takes the ordinary way, which is also the way of
 * all chunks where push() is not called. Make it once: what it adds to sockets is the same for all of them.
 * @internal
 */
export function readerFor(
  receive: (this: Duplex, chunk: Uint8Array) => void,
): (socket: Duplex, options: { readonly directReads: boolean }) => void {
  function push(this: Duplex, chunk: unknown, encoding?: BufferEncoding): boolean {
    if (!(chunk instanceof Uint8Array) || this.readableFlowing !== true || this.readableLength > 0) {
      return Readable.prototype.push.call(this, chunk, encoding);
    }
    receive.call(this, chunk);
    // Never false: then the socket would stop, and wait for a read() that its stream believes to be under way. If it has been
    // paused, the next chunk stops it.
    return true;
  }
  return (socket, { directReads }) => {
    socket.on("data", receive);
    if (directReads && readsByItself(socket)) socket.push = push;
  };
}
