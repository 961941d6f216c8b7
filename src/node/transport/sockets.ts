// Which streams are sockets of Node itself: only of these is it known what they do inside.

import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";

/** Where direct reads and writes are tested: they are on by default. */
export const isTested: boolean = process.platform === "linux";

const isNode = process.versions["bun"] === undefined && process.versions["deno"] === undefined;

/** Whether this is a socket of Node itself, nothing derived from it, and the system's below. @internal */
export function isSocket(stream: Duplex): stream is Socket {
  const { constructor } = stream;
  return isNode && (constructor === Socket || (constructor === TLSSocket && hasDescriptor(stream)));
}

/**
 * TLS over a stream in JavaScript has none. It may read in any call that writes: while another chunk is being decoded, or before
 * the call that writes has returned.
 */
function hasDescriptor(stream: Duplex & { readonly _handle?: { readonly fd?: number } | null }): boolean {
  return (stream._handle?.fd ?? -1) >= 0;
}
