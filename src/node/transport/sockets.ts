// Recognizes the sockets of Node itself: only their internals are known.

import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";

/** Where direct reads and writes are tested, and therefore on by default. */
export const isTested: boolean = process.platform === "linux";

const isNode = process.versions["bun"] === undefined && process.versions["deno"] === undefined;

/** Whether this is a socket of Node itself, not of a derived class, over a socket of the system. @internal */
export function isSocket(stream: Duplex): stream is Socket {
  const { constructor } = stream;
  return isNode && (constructor === Socket || (constructor === TLSSocket && hasDescriptor(stream)));
}

/**
 * TLS over a stream in JavaScript has no descriptor. It may read during any call that writes: while another chunk is
 * being decoded, or before the write returns.
 */
function hasDescriptor(stream: Duplex & { readonly _handle?: { readonly fd?: number } | null }): boolean {
  return (stream._handle?.fd ?? -1) >= 0;
}
