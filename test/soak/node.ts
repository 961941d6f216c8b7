// What the processes on Node share.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Sha256 } from "./chain.ts";

export const sha256: Sha256 = (bytes) => createHash("sha256").update(bytes).digest();

function pem(name: string): Buffer {
  return readFileSync(`test/fixtures/tls/${name}.pem`);
}

/** For localhost. */
export const TLS: { readonly key: Buffer; readonly cert: Buffer } = { key: pem("key"), cert: pem("cert") };

/** In milliseconds: the peers of stalls answer in time, and those of silence do not. */
export const PING_INTERVAL = 10_000;
export const PONG_TIMEOUT = 10_000;
/** As with ws: the machine may be busy. */
export const CLOSE_TIMEOUT = 30_000;
