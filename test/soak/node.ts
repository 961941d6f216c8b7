// Code that the processes on Node share.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import type { Sha256 } from "./chain.ts";

export const sha256: Sha256 = (bytes) => createHash("sha256").update(bytes).digest();

function pem(name: string): Buffer {
  return readFileSync(`test/fixtures/tls/${name}.pem`);
}

/** A certificate for localhost. */
export const TLS: { readonly key: Buffer; readonly cert: Buffer } = { key: pem("key"), cert: pem("cert") };

/** In milliseconds. A peer answers in time after a stall, but not after a silence. */
export const PING_INTERVAL = 10_000;
export const PONG_TIMEOUT = 10_000;
/** In milliseconds, as in ws, because the machine may be busy. */
export const CLOSE_TIMEOUT = 30_000;
