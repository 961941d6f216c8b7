// From the bytes of a connection to the head of a request or a response (RFC 9112), and to the bytes behind it.

import { asBytes, type Bytes } from "../frame/bytes.ts";
import { HandshakeError, type HandshakeErrorCode } from "./errors.ts";
import type { HeaderPairs } from "./headers.ts";
import { isToken, isValueCharacter, isVisible, isWhitespace, trimWhitespace } from "./syntax.ts";

/** Options of RequestParser and ResponseParser. */
export interface HeadParserOptions {
  /** The most bytes that a head may have, start line and empty line included. Default 16 KiB. */
  readonly maxHeadSize?: number | undefined;
  /** The most header fields that a head may have. Default 100. */
  readonly maxHeaderFields?: number | undefined;
}

/** The head of a request. acceptHandshake() takes it as it is. */
export interface RequestHead {
  /** As it stands there: "GET". */
  readonly method: string;
  /** The request target, as it stands there: a path with its query, or a URL. */
  readonly url: string;
  /** As "1.1". */
  readonly httpVersion: string;
  /** Values are latin1. */
  readonly headers: HeaderPairs;
  /** How many bytes it took. */
  readonly length: number;
}

/** The head of a response. checkResponse() takes it as it is. */
export interface ResponseHead {
  /** Of three digits. */
  readonly status: number;
  /** The reason phrase, which may be empty. */
  readonly reason: string;
  /** As "1.1". */
  readonly httpVersion: string;
  /** Values are latin1. */
  readonly headers: HeaderPairs;
  /** How many bytes it took, those of interim responses before it included. */
  readonly length: number;
}

/**
 * Parses the head of one request, in time linear in its length however its bytes are cut. Strict: lines end in CRLF, are
 * not folded, and have no whitespace before a colon and no control characters. One empty line before the head is
 * ignored (RFC 9112 §2.2).
 */
export class RequestParser {
  readonly #parser: HeadParser<Omit<RequestHead, "headers" | "length">>;

  /** @throws TypeError for a limit that is not a number from 0 on */
  constructor(options: HeadParserOptions = {}) {
    this.#parser = new HeadParser(options, parseRequestLine, 400);
  }

  /**
   * Takes the next bytes. The chunk is not kept, but `rest` is a view on it.
   *
   * @returns undefined until the head is complete; then the head, and the bytes of the chunk that follow it: frames, if
   *   the client did not wait
   * @throws HandshakeError for bytes that are no head, with the status to answer with (400, or 431 for one that is too
   *   large); the same from every call after it
   * @throws TypeError if the chunk is not bytes, and once the head is complete
   */
  push(chunk: Bytes): { readonly request: RequestHead; readonly rest: Uint8Array } | undefined {
    const found = this.#parser.push(chunk);
    return found && { request: { ...found.start, headers: found.headers, length: found.length }, rest: found.rest };
  }
}

/**
 * Parses the head of one response, as RequestParser does. Interim responses before it (1xx other than 101, RFC 9110
 * §15.2) are skipped; they count towards the limits.
 */
export class ResponseParser {
  readonly #parser: HeadParser<Omit<ResponseHead, "headers" | "length">>;

  /** @throws TypeError for a limit that is not a number from 0 on */
  constructor(options: HeadParserOptions = {}) {
    this.#parser = new HeadParser(options, parseStatusLine, undefined);
  }

  /**
   * Takes the next bytes. The chunk is not kept, but `rest` is a view on it.
   *
   * @returns undefined until the head is complete; then the head, and the bytes of the chunk that follow it: frames
   *   behind a 101, else the body
   * @throws HandshakeError for bytes that are no head; the same from every call after it
   * @throws TypeError if the chunk is not bytes, and once the head is complete
   */
  push(chunk: Bytes): { readonly response: ResponseHead; readonly rest: Uint8Array } | undefined {
    let found = this.#parser.push(chunk);
    while (found !== undefined && isInterim(found.start.status)) {
      this.#parser.again();
      found = this.#parser.push(found.rest);
    }
    return found && { response: { ...found.start, headers: found.headers, length: found.length }, rest: found.rest };
  }
}

function isInterim(status: number): boolean {
  return status >= 100 && status <= 199 && status !== 101;
}

const CR = 0x0d;
const LF = 0x0a;

interface Found<Start> {
  readonly start: Start;
  readonly headers: HeaderPairs;
  readonly length: number;
  readonly rest: Uint8Array;
}

/** The lines of a head, one after another. Each byte is looked at once, and its line again when it is complete. */
class HeadParser<Start extends object> {
  readonly #maxSize: number;
  readonly #maxFields: number;
  readonly #parseStart: (line: string) => Start | undefined;
  /** The status to answer with. */
  readonly #status: number | undefined;
  #size = 0;
  #fields = 0;
  /**
   * What has come of a line in chunks before: bytes, since a string that grows by one character at a time takes 32
   * bytes for each.
   */
  #kept = new Uint8Array(0);
  #keptLength = 0;
  /** Whether the last byte was a CR. */
  #carriageReturn = false;
  #start: Start | undefined;
  #headers: [name: string, value: string][] = [];
  #complete = false;
  #error: HandshakeError | undefined;

  constructor(options: HeadParserOptions, parseStart: (line: string) => Start | undefined, status: number | undefined) {
    this.#maxSize = limit(options.maxHeadSize ?? 16 * 1024, "maxHeadSize");
    this.#maxFields = limit(options.maxHeaderFields ?? 100, "maxHeaderFields");
    this.#parseStart = parseStart;
    this.#status = status;
  }

  push(data: Bytes): Found<Start> | undefined {
    const chunk = asBytes(data);
    if (this.#error) throw this.#error;
    if (this.#complete) throw new TypeError("The head is complete: what follows it is not for this parser");
    let lineStart = 0;
    for (let at = 0; at < chunk.length; at++) {
      if (++this.#size > this.#maxSize) {
        this.#failLimit(`The head is longer than ${this.#maxSize} bytes`, "maxHeadSize");
      }
      const byte = chunk[at]!;
      if (this.#carriageReturn) {
        if (byte !== LF) this.#failCharacter();
        this.#carriageReturn = false;
        // The CR may have been the end of the chunk before.
        this.#endLine(this.#takeLine(chunk, lineStart, Math.max(lineStart, at - 1)));
        lineStart = at + 1;
        if (this.#complete) {
          const start = this.#start!;
          return { start, headers: this.#headers, length: this.#size, rest: chunk.subarray(lineStart) };
        }
      } else if (byte === CR) {
        this.#carriageReturn = true;
      } else if (!isValueCharacter(byte)) {
        this.#failCharacter();
      }
    }
    this.#keep(chunk, lineStart, this.#carriageReturn ? chunk.length - 1 : chunk.length);
    return undefined;
  }

  #keep(chunk: Uint8Array, start: number, end: number): void {
    if (end <= start) return;
    const length = this.#keptLength + end - start;
    if (length > this.#kept.length) {
      // Twice as long, so that all copies together are linear in the length.
      const longer = new Uint8Array(Math.max(length, 2 * this.#kept.length));
      longer.set(this.#kept.subarray(0, this.#keptLength));
      this.#kept = longer;
    }
    this.#kept.set(chunk.subarray(start, end), this.#keptLength);
    this.#keptLength = length;
  }

  /** The line that ends with these bytes of a chunk. */
  #takeLine(chunk: Uint8Array, start: number, end: number): string {
    if (this.#keptLength === 0) return latin1(chunk, start, end);
    this.#keep(chunk, start, end);
    const line = latin1(this.#kept, 0, this.#keptLength);
    this.#keptLength = 0;
    return line;
  }

  /** Begins another head. Limits are for all of them together. */
  again(): void {
    this.#start = undefined;
    this.#headers = [];
    this.#complete = false;
  }

  #endLine(line: string): void {
    if (this.#start === undefined) {
      if (line === "" && this.#size === 2 && this.#status !== undefined) return;
      this.#start = this.#parseStart(line);
      if (this.#start === undefined) {
        this.#fail("WS_ERR_HANDSHAKE_START_LINE", "The first line is not that of HTTP", "RFC 9112 §2.1");
      }
      return;
    }
    if (line === "") {
      this.#complete = true;
      return;
    }
    if (++this.#fields > this.#maxFields) {
      this.#failLimit(`The head has more than ${this.#maxFields} header fields`, "maxHeaderFields");
    }
    if (isWhitespace(line.charCodeAt(0))) {
      this.#fail("WS_ERR_HANDSHAKE_HEADER", "A header field must not be folded", "RFC 9112 §5.2");
    }
    const colon = line.indexOf(":");
    const name = line.slice(0, Math.max(colon, 0));
    if (!isToken(name)) {
      this.#fail("WS_ERR_HANDSHAKE_HEADER", "A header field must be a token, a colon and a value", "RFC 9112 §5.1");
    }
    this.#headers.push([name, trimWhitespace(line.slice(colon + 1))]);
  }

  #failCharacter(): never {
    this.#fail(
      this.#start === undefined ? "WS_ERR_HANDSHAKE_START_LINE" : "WS_ERR_HANDSHAKE_HEADER",
      "The head has a control character, or a line that does not end in CRLF",
      "RFC 9112 §2.2",
    );
  }

  #failLimit(message: string, rule: string): never {
    const status = this.#status === undefined ? undefined : 431;
    this.#error = new HandshakeError("WS_ERR_HANDSHAKE_HEAD_TOO_LARGE", message, { status, rule });
    throw this.#error;
  }

  #fail(code: HandshakeErrorCode, message: string, rule: string): never {
    this.#error = new HandshakeError(code, message, { status: this.#status, rule });
    throw this.#error;
  }
}

/** @throws TypeError */
function limit(value: number, name: string): number {
  if (typeof value !== "number" || Number.isNaN(value) || value < 0) throw new TypeError(`${name} must be a number`);
  return value;
}

/** `method SP request-target SP HTTP/1.1` (RFC 9112 §3). */
function parseRequestLine(line: string): Omit<RequestHead, "headers" | "length"> | undefined {
  const parts = line.split(" ");
  if (parts.length !== 3) return undefined;
  const [method, url, version] = parts as [string, string, string];
  const httpVersion = parseVersion(version);
  return isToken(method) && isVisible(url) && httpVersion !== undefined ? { method, url, httpVersion } : undefined;
}

/** `HTTP/1.1 SP status SP reason` (RFC 9112 §4). Some servers leave out the second space when there is no reason. */
function parseStatusLine(line: string): Omit<ResponseHead, "headers" | "length"> | undefined {
  const httpVersion = parseVersion(line.slice(0, 8));
  const digits = line.slice(9, 12);
  if (httpVersion === undefined || line[8] !== " " || digits.length !== 3 || !isDigits(digits)) return undefined;
  if (digits < "100" || (line.length > 12 && line[12] !== " ")) return undefined;
  return { httpVersion, status: Number(digits), reason: line.slice(13) };
}

/** `HTTP/1.1` (RFC 9112 §2.3), without the name. */
function parseVersion(version: string): string | undefined {
  const [major = "", minor = ""] = [version[5], version[7]];
  const valid = version.length === 8 && version.startsWith("HTTP/") && version[6] === "." && isDigits(major + minor);
  return valid ? `${major}.${minor}` : undefined;
}

function isDigits(value: string): boolean {
  return Array.from(value).every((digit) => digit >= "0" && digit <= "9");
}

/** How many arguments a call may have differs; this many are fine everywhere. */
const LATIN1_SLICE = 4096;

/** A string with a character for each byte. `TextDecoder` has no latin1: what it calls so is windows-1252. */
function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at += LATIN1_SLICE) {
    const slice = bytes.subarray(at, Math.min(end, at + LATIN1_SLICE));
    // Not spread: that takes eight times as long (7.2 µs instead of 0.8 for 120 bytes).
    const piece: string = Reflect.apply(String.fromCharCode, undefined, slice);
    text += piece;
  }
  return text;
}
