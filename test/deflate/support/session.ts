// Drives the session of one connection like Protocol does.

import type { Extension, ExtensionParameters, ExtensionSession } from "../../../src/frame/extension.ts";
import type { Role } from "../../../src/frame/options.ts";
import { perMessageDeflate } from "../../../src/deflate/per-message-deflate.ts";
import type { PerMessageDeflateOptions } from "../../../src/deflate/options.ts";
import { CodecSession } from "../../../src/deflate/codec/session.ts";
import { CoreSession } from "../../../src/deflate/core/session.ts";

export function open(
  role: Role,
  parameters: ExtensionParameters = [],
  options: PerMessageDeflateOptions = {},
): CodecSession | CoreSession {
  const session = perMessageDeflate(options).open(role, parameters);
  if (!(session instanceof CodecSession || session instanceof CoreSession)) throw new TypeError("not its session");
  return session;
}

/** Parses the parameters of a header field: "a; b=1". */
export function parameters(text: string): ExtensionParameters {
  return text
    .split(";")
    .map((part) => part.trim())
    .filter((part) => part !== "")
    .map((part): [string, string | true] => {
      const at = part.indexOf("=");
      return at < 0 ? [part, true] : [part.slice(0, at), part.slice(at + 1)];
    });
}

export function text(formatted: ExtensionParameters): string {
  return formatted.map(([name, value]) => (value === true ? name : `${name}=${value}`)).join("; ");
}

/** Both ends after a negotiation. */
export function connect(
  clientOptions: PerMessageDeflateOptions = {},
  serverOptions: PerMessageDeflateOptions = clientOptions,
): { client: ExtensionSession; server: ExtensionSession; agreed: string } {
  const client: Extension = perMessageDeflate(clientOptions);
  const server: Extension = perMessageDeflate(serverOptions);
  for (const offer of client.offer()) {
    const response = server.accept(offer);
    if (response === undefined) continue;
    if (!client.confirm(response)) throw new Error(`The client refuses ${text(response)}`);
    return { client: client.open("client", response), server: server.open("server", response), agreed: text(response) };
  }
  throw new Error("The server declines");
}

/** Sends a whole message: compressed, uncompressed, or as the session decides. */
export function send(
  session: ExtensionSession,
  payload: Uint8Array,
  compress: boolean | "auto" = true,
): Uint8Array | undefined {
  const asked = compress === "auto" ? undefined : compress;
  return session.encode({ payload, text: false, first: true, last: true, compress: asked });
}

/** Sends a message in fragments, and returns their payloads joined. */
export function sendParts(session: ExtensionSession, parts: readonly Uint8Array[]): Uint8Array {
  const encoded = parts.map((payload, i) =>
    session.encode({ payload, text: false, first: i === 0, last: i === parts.length - 1, compress: true }),
  );
  return Buffer.concat(encoded.map((part) => part!));
}

export function receive(session: ExtensionSession, payload: Uint8Array, maxLength = Infinity): Uint8Array {
  return session.decode({ payload, maxLength, byteOffset: 1000 });
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export function hex(text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replaceAll(" ", ""), "hex"));
}
