// The answer of a hook that does not let a request in.

import { HandshakeError, type HandshakeResponse, type Rejection } from "../index.ts";

/** What is said of the connection and of the length of the body is ours to say. */
const OWN_FIELDS: ReadonlySet<string> = new Set(["connection", "content-length", "transfer-encoding"]);
/** They have no body, nor the length of one (RFC 9110 §8.6). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 304]);

/** A Response as a whole. It rejects with what reading its body throws. */
export async function rejectionOf(response: Response): Promise<Rejection & HandshakeResponse> {
  const body = new Uint8Array(await response.arrayBuffer());
  const headers = [...response.headers].filter(([name]) => !OWN_FIELDS.has(name));
  // That of Response.error() is 0.
  const status = response.status || 500;
  if (!WITHOUT_BODY.has(status)) headers.push(["Content-Length", String(body.length)]);
  // One with Upgrade must name it in Connection (RFC 9110 §7.8).
  headers.push(["Connection", response.headers.has("upgrade") ? "close, Upgrade" : "close"]);
  const error = new HandshakeError("WS_ERR_HANDSHAKE_REJECTED", `The upgrade hook has answered with ${status}`, {
    status,
    headers,
    rule: "RFC 6455 §4.2.2",
  });
  return { accepted: false, status, ...(response.statusText && { reason: response.statusText }), headers, body, error };
}
