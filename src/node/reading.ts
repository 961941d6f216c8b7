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
 * Calls `receive` with each chunk. Pausing and resuming the stream work as usual: what comes while it is paused, or while
 * something waits in it, takes the ordinary way. So do all chunks where push() is not called.
 *
 * @param direct false for the ordinary way alone
 * @internal
 */
export function readFrom(socket: Duplex, receive: (chunk: Uint8Array) => void, direct: boolean): void {
  socket.on("data", receive);
  if (!direct || !readsByItself(socket)) return;
  socket.push = function push(chunk: unknown, encoding?: BufferEncoding): boolean {
    if (!(chunk instanceof Uint8Array) || socket.readableFlowing !== true || socket.readableLength > 0) {
      return Readable.prototype.push.call(socket, chunk, encoding);
    }
    receive(chunk);
    // Never false: then the socket would stop, and wait for a read() that its stream believes to be under way. If it has been
    // paused, the next chunk stops it.
    return true;
  };
}
