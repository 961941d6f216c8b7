// Which streams are sockets of Node itself: only of these is it known what they do inside.

import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { TLSSocket } from "node:tls";

/** Where direct reads and writes are tested: they are on by default. */
export const isTested: boolean = process.platform === "linux";

const isNode = process.versions["bun"] === undefined && process.versions["deno"] === undefined;

/** Whether this is a socket of Node itself, and nothing derived from it. @internal */
export function isSocket(stream: Duplex): stream is Socket {
  const { constructor } = stream;
  return isNode && (constructor === Socket || constructor === TLSSocket);
}
