// Turns the Response of an upgrade hook into a rejection.

import { HandshakeError, type HandshakeResponse, type Rejection } from "../index.ts";

/** Fields about the connection and the length of the body. The adapter writes them itself. */
const OWN_FIELDS: ReadonlySet<string> = new Set(["connection", "content-length", "transfer-encoding"]);
/** Statuses whose responses have neither a body nor Content-Length (RFC 9110 §8.6). */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 304]);

/** Reads a whole Response. The promise rejects if its body cannot be read. */
export async function rejectionOf(response: Response): Promise<Rejection & HandshakeResponse> {
  const body = new Uint8Array(await response.arrayBuffer());
  const headers = [...response.headers].filter(([name]) => !OWN_FIELDS.has(name));
  // Response.error() has the status 0.
  const status = response.status || 500;
  if (!WITHOUT_BODY.has(status)) headers.push(["Content-Length", String(body.length)]);
  // A response with Upgrade must name it in Connection (RFC 9110 §7.8).
  headers.push(["Connection", response.headers.has("upgrade") ? "close, Upgrade" : "close"]);
  const error = new HandshakeError(
    "WS_ERR_HANDSHAKE_REJECTED",
    `The upgrade hook has refused the request with ${status}`,
    {
      status,
      headers,
      rule: "RFC 6455 §4.2.2",
    },
  );
  return { accepted: false, status, ...(response.statusText && { reason: response.statusText }), headers, body, error };
}
