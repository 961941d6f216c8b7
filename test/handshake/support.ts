// Shared by the tests of the handshake.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Extension, ExtensionParameters } from "../../src/frame/extension.ts";
import { readCaptures } from "../support/captures.ts";

export const KEY = "dGhlIHNhbXBsZSBub25jZQ==";
export const ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

export const latin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "latin1"));
export const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** The header fields of a valid request, with changes; undefined omits a field. */
export function fields(changes: Record<string, string | string[] | undefined> = {}): Record<string, string | string[]> {
  const all: Record<string, string | string[] | undefined> = {
    host: "example.com",
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-key": KEY,
    "sec-websocket-version": "13",
    ...changes,
  };
  return Object.fromEntries(
    Object.entries(all).filter((entry): entry is [string, string | string[]] => entry[1] !== undefined),
  );
}

/** An extension that does nothing, with the negotiation of a test. */
export function extension(name: string, rsv: number, parts: Partial<Extension> = {}): Extension {
  return {
    name,
    rsv,
    offer: () => [[]],
    accept: (offer) => offer,
    confirm: () => true,
    open: () => {
      throw new Error("The handshake must not open extensions");
    },
    ...parts,
  };
}

/** The parameters of permessage-deflate, each at most once. */
const known = new Set([
  "server_no_context_takeover",
  "client_no_context_takeover",
  "server_max_window_bits",
  "client_max_window_bits",
]);

/** The negotiation of permessage-deflate, as far as the handshake needs it. */
export const deflate: Extension = extension("permessage-deflate", 4, {
  offer: () => [[["client_max_window_bits", true]]],
  accept: (offer) => (isKnown(offer) ? [] : undefined),
  confirm: isKnown,
});

function isKnown(parameters: ExtensionParameters): boolean {
  return (
    parameters.every(([name]) => known.has(name)) &&
    new Set(parameters.map(([name]) => name)).size === parameters.length
  );
}

/** Both directions of the recorded connections, including the HTTP head. */
export function recordedHeads(): {
  name: string;
  client: Uint8Array;
  server: Uint8Array;
  clientLength: number;
  serverLength: number;
}[] {
  const root = fileURLToPath(new URL("../fixtures/captures/", import.meta.url));
  return readCaptures().map(({ name, directions }) => ({
    name,
    client: new Uint8Array(readFileSync(`${root}${name}/client.bin`)),
    server: new Uint8Array(readFileSync(`${root}${name}/server.bin`)),
    clientLength: directions[0]!.httpLength,
    serverLength: directions[1]!.httpLength,
  }));
}
