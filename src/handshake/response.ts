// Makes the server's response as bytes, and the rejection of a handshake (RFC 6455 §4.2.2).

import { checkNames, type Names } from "../frame/known-options.ts";
import type { Agreement } from "./accept.ts";
import { HandshakeError } from "./errors.ts";
import type { ResponseHead } from "./head.ts";
import { checkedHeaders, type HeaderPairs, type HeaderSource } from "./headers.ts";
import { isFieldValue } from "./syntax.ts";

/** A response for serializeResponse(). An Acceptance or a Rejection is one. */
export interface HandshakeResponse {
  /** A whole number from 100 to 999. */
  readonly status: number;
  /** The reason phrase after the status. Default: the registered phrase. */
  readonly reason?: string | undefined;
  /** The header fields. */
  readonly headers: HeaderSource;
  /** The body. A string is sent as UTF-8. Default: empty. */
  readonly body?: string | Uint8Array | undefined;
}

/** A rejected handshake. For HTTP/1.1, `serializeResponse()` turns it into bytes. */
export interface Rejection {
  /** Always false: tells it from an Acceptance. */
  readonly accepted: false;
  /** From 300 to 599. */
  readonly status: number;
  /** All header fields; over HTTP/1.1 with `Connection: close`. */
  readonly headers: HeaderPairs;
  /** The body. A string is sent as UTF-8. */
  readonly body: string | Uint8Array;
  /** The reason for the rejection. */
  readonly error: HandshakeError;
}

/** Options of `rejectHandshake()`. */
export interface RejectOptions {
  /** The HTTP status, a whole number from 300 to 599. Default: the status of `error`, else 400. */
  readonly status?: number | undefined;
  /** More header fields, such as WWW-Authenticate or Location. Default: those of `error`. */
  readonly headers?: HeaderSource | undefined;
  /** The body. A string is sent as UTF-8. Default: the message of `error`, else the reason phrase of the status. */
  readonly body?: string | Uint8Array | undefined;
  /** The error from acceptHandshake() or RequestParser. Default: a new one with the code WS_ERR_HANDSHAKE_REJECTED. */
  readonly error?: HandshakeError | undefined;
  /** The HTTP version of the request. From "2.0" on, the response has no Connection field (RFC 9113 §8.2.2). Default "1.1". */
  readonly httpVersion?: string | undefined;
}

const REJECT: Names<RejectOptions> = { status: true, headers: true, body: true, error: true, httpVersion: true };

/** The fields that a rejection sets itself. */
const OWN_FIELDS: readonly string[] = ["connection", "content-length", "transfer-encoding"];

/**
 * Rejects a handshake with any status and header fields. Use it for your own reasons (401, 403, 404, 503, a redirect), or for
 * an error of RequestParser.
 *
 * @returns the response to send; for HTTP/1.1, `serializeResponse()` turns it into bytes
 * @throws TypeError for an unknown option, or header fields with illegal characters or that the rejection sets itself:
 *   Connection, Content-Length and Transfer-Encoding
 * @throws RangeError if the status is not a whole number from 300 to 599
 */
export function rejectHandshake(options: RejectOptions = {}): Rejection {
  checkNames("rejectHandshake()", options, REJECT, { reason: "it follows from `status`" });
  const { error, httpVersion = "1.1" } = options;
  const status = options.status ?? error?.status ?? 400;
  if (!Number.isInteger(status) || status < 300 || status > 599) {
    throw new RangeError("`status` of a rejection must be a whole number from 300 to 599");
  }
  const headers = checkedHeaders(options.headers ?? error?.headers ?? [], OWN_FIELDS);
  const has = (name: string): boolean => headers.some(([each]) => each.toLowerCase() === name);
  const reason = reasonOf(status);
  const body = options.body ?? `${error?.message ?? reason}\n`;
  if (!has("content-type")) headers.push(["Content-Type", "text/plain; charset=utf-8"]);
  headers.push(["Content-Length", String(toBytes(body).length)]);
  if (isBeforeHttp2(httpVersion)) {
    // A sender of Upgrade must also list it in Connection (RFC 9110 §7.8).
    headers.push(["Connection", has("upgrade") ? "close, Upgrade" : "close"]);
  } else {
    // HTTP/2 requires names in lower case (RFC 9113 §8.2.1).
    for (const header of headers) header[0] = header[0].toLowerCase();
  }
  return {
    accepted: false,
    status,
    headers,
    body,
    error:
      error ??
      new HandshakeError("WS_ERR_HANDSHAKE_REJECTED", `The handshake was refused with ${status} ${reason}`, {
        status,
        rule: "RFC 6455 §4.2.2",
        headers,
      }),
  };
}

/** Whether messages of this HTTP version have fields for the connection. */
export function isBeforeHttp2(httpVersion: string): boolean {
  return httpVersion.startsWith("1.") || httpVersion.startsWith("0.");
}

/** Includes the names in an Acceptance, a Rejection and a ResponseHead, which are responses, too. */
const RESPONSE: Names<HandshakeResponse & Agreement & Pick<Rejection, "accepted" | "error"> & ResponseHead> = {
  accepted: true,
  body: true,
  error: true,
  extensions: true,
  headers: true,
  httpVersion: true,
  length: true,
  protocol: true,
  reason: true,
  status: true,
};

/**
 * Turns a response into bytes for HTTP/1.1: the result of acceptHandshake() or rejectHandshake(), or any other response. If
 * there is a body and no field gives its length, Content-Length is added.
 *
 * @throws TypeError for an unknown property, or a header field or a reason with illegal characters
 * @throws RangeError if the status is not a whole number from 100 to 999
 */
export function serializeResponse(response: HandshakeResponse): Uint8Array {
  checkNames("serializeResponse()", response, RESPONSE, {});
  const { status } = response;
  if (!Number.isInteger(status) || status < 100 || status > 999) {
    throw new RangeError("`status` must be a whole number from 100 to 999");
  }
  const reason = response.reason ?? reasonOf(status);
  if (!isFieldValue(reason)) throw new TypeError("`reason` has forbidden characters");
  const headers = checkedHeaders(response.headers);
  const body = toBytes(response.body ?? "");
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  if (body.length > 0 && !names.has("content-length") && !names.has("transfer-encoding")) {
    headers.push(["Content-Length", String(body.length)]);
  }
  return serializeHead(`HTTP/1.1 ${status} ${reason}`, headers, body);
}

/** Writes a start line and checked header fields in latin1, followed by the body. */
export function serializeHead(
  startLine: string,
  headers: HeaderPairs,
  body: Uint8Array = new Uint8Array(0),
): Uint8Array {
  const head = `${startLine}\r\n${headers.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`;
  const bytes = new Uint8Array(head.length + body.length);
  for (let at = 0; at < head.length; at++) bytes[at] = head.charCodeAt(at);
  bytes.set(body, head.length);
  return bytes;
}

/** Encodes a string as UTF-8. */
export function toBytes(body: string | Uint8Array): Uint8Array {
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}

/** The registered reason phrases (RFC 9110 §15) of statuses that a handshake may be answered with. */
function reasonOf(status: number): string {
  switch (status) {
    case 101:
      return "Switching Protocols";
    case 200:
      return "OK";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 303:
      return "See Other";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 410:
      return "Gone";
    case 421:
      return "Misdirected Request";
    case 426:
      return "Upgrade Required";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return status < 400 ? "Redirection" : status < 500 ? "Client Error" : "Server Error";
  }
}
