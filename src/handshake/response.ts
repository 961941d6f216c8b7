// What a server answers: the bytes of a response, and the refusal of a handshake (RFC 6455 §4.2.2).

import { HandshakeError } from "./errors.ts";
import { checkedHeaders, type HeaderPairs, type HeaderSource } from "./headers.ts";
import { isFieldValue } from "./syntax.ts";

/** A response, as it is to be written. */
export interface HandshakeResponse {
  /** From 100 to 599. */
  readonly status: number;
  /** Behind the status. Default: the phrase that is registered for it. */
  readonly reason?: string | undefined;
  /** The header fields, as they are sent. */
  readonly headers: HeaderSource;
  /** What follows the head: a string is sent as UTF-8. Default: nothing. */
  readonly body?: string | Uint8Array | undefined;
}

/** A handshake that is refused. */
export interface Rejection {
  readonly accepted: false;
  /** From 300 to 599. */
  readonly status: number;
  /** All of them: over HTTP/1.1 with `Connection: close`. */
  readonly headers: HeaderPairs;
  /** What follows the head: a string is sent as UTF-8. */
  readonly body: string | Uint8Array;
  /** Why. */
  readonly error: HandshakeError;
}

/** Options of rejectHandshake(). */
export interface RejectOptions {
  /** From 300 to 599. Default: that of `error`, else 400. */
  readonly status?: number | undefined;
  /** Further header fields, such as WWW-Authenticate or Location. Default: those of `error`. */
  readonly headers?: HeaderSource | undefined;
  /** A string is sent as UTF-8. Default: the message of `error`, else the reason phrase of the status. */
  readonly body?: string | Uint8Array | undefined;
  /** What acceptHandshake() or a RequestParser found wrong. Default: one with the code WS_ERR_HANDSHAKE_REJECTED. */
  readonly error?: HandshakeError | undefined;
  /** Of the request. From "2.0" on there are no fields that concern the connection (RFC 9113 §8.2.2). Default "1.1". */
  readonly httpVersion?: string | undefined;
}

/** What a rejection writes itself. */
const OWN_FIELDS: readonly string[] = ["connection", "content-length", "transfer-encoding"];

/**
 * Refuses a handshake, with any status and header fields: for a server's own reasons (401, 403, 404, 503, a redirect),
 * or for an error of RequestParser.
 *
 * @throws TypeError for header fields that cannot be sent, or that it writes itself (Connection, Content-Length,
 *   Transfer-Encoding)
 * @throws RangeError for a status that does not refuse
 */
export function rejectHandshake(options: RejectOptions = {}): Rejection {
  const { error, httpVersion = "1.1" } = options;
  const status = options.status ?? error?.status ?? 400;
  if (!Number.isInteger(status) || status < 300 || status > 599) {
    throw new RangeError("The status of a rejection must be from 300 to 599");
  }
  const headers = checkedHeaders(options.headers ?? error?.headers ?? [], OWN_FIELDS);
  const has = (name: string): boolean => headers.some(([each]) => each.toLowerCase() === name);
  const reason = reasonOf(status);
  const body = options.body ?? `${error?.message ?? reason}\n`;
  if (!has("content-type")) headers.push(["Content-Type", "text/plain; charset=utf-8"]);
  headers.push(["Content-Length", String(toBytes(body).length)]);
  if (isBeforeHttp2(httpVersion)) {
    // Who sends Upgrade must name it in Connection too (RFC 9110 §7.8).
    headers.push(["Connection", has("upgrade") ? "close, Upgrade" : "close"]);
  } else {
    // In HTTP/2 names are in lower case (RFC 9113 §8.2.1).
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

/** Whether it is a version of HTTP whose messages have fields for the connection. */
export function isBeforeHttp2(httpVersion: string): boolean {
  return httpVersion.startsWith("1.") || httpVersion.startsWith("0.");
}

/**
 * The bytes of a response over HTTP/1.1: of what acceptHandshake() or rejectHandshake() returns, or of any other. A
 * body whose length no header field tells gets a Content-Length.
 *
 * @throws TypeError for header fields or a reason that cannot be sent
 * @throws RangeError for a status that is not a number of three digits
 */
export function serializeResponse(response: HandshakeResponse): Uint8Array {
  const { status } = response;
  if (!Number.isInteger(status) || status < 100 || status > 999) {
    throw new RangeError("A status must be a number from 100 to 999");
  }
  const reason = response.reason ?? reasonOf(status);
  if (!isFieldValue(reason)) throw new TypeError("The reason has characters that it must not have");
  const headers = checkedHeaders(response.headers);
  const body = toBytes(response.body ?? "");
  const names = new Set(headers.map(([name]) => name.toLowerCase()));
  if (body.length > 0 && !names.has("content-length") && !names.has("transfer-encoding")) {
    headers.push(["Content-Length", String(body.length)]);
  }
  return serializeHead(`HTTP/1.1 ${status} ${reason}`, headers, body);
}

/** A start line and header fields that have been checked, in latin1, and what comes behind them. */
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

/** A string as UTF-8. */
export function toBytes(body: string | Uint8Array): Uint8Array {
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}

/** The registered phrases (RFC 9110 §15) of what a handshake may be answered with. */
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
