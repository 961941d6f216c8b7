// Parses the head of a request or a response (RFC 9112), and finds the bytes after it.

import { asBytes, type Bytes } from "../frame/bytes.ts";
import { checkNames, type Names } from "../frame/known-options.ts";
import { HandshakeError, type HandshakeErrorCode } from "./errors.ts";
import type { HeaderPairs } from "./headers.ts";
import { isToken, isValueCharacter, isVisible, isWhitespace, trimWhitespace } from "./syntax.ts";

/** Options of `RequestParser` and `ResponseParser`. */
export interface HeadParserOptions {
  /** The longest head, in bytes, including the start line and the empty line. A number from 0, or Infinity. Default 16,384. */
  readonly maxHeadSize?: number | undefined;
  /** The most header fields in a head. A number from 0, or Infinity. Default 100. */
  readonly maxHeaderFields?: number | undefined;
}

/** The head of a request. You can pass it to `acceptHandshake()`. */
export interface RequestHead {
  /** The method as written: "GET". */
  readonly method: string;
  /** The request target as written: a path with its query, or a URL. */
  readonly url: string;
  /** The HTTP version, like "1.1". */
  readonly httpVersion: string;
  /** The header fields, in order. Values are latin1. */
  readonly headers: HeaderPairs;
  /** The length of the head, in bytes. */
  readonly length: number;
}

/** The head of a response. You can pass it to `checkResponse()`. */
export interface ResponseHead {
  /** The HTTP status, from 100 to 999. */
  readonly status: number;
  /** The reason phrase, which may be empty. */
  readonly reason: string;
  /** The HTTP version, like "1.1". */
  readonly httpVersion: string;
  /** The header fields, in order. Values are latin1. */
  readonly headers: HeaderPairs;
  /** The length of the head, in bytes, including skipped interim responses. */
  readonly length: number;
}

/**
 * Parses the head of one request, in chunks of any size, in time linear in its length. The syntax is strict (RFC 9112): lines
 * must end in CRLF and must not be folded; whitespace before a colon and control characters are errors. One empty line before
 * the head is ignored (RFC 9112 §2.2).
 */
export class RequestParser {
  readonly #parser: HeadParser<Omit<RequestHead, "headers" | "length">>;

  /** @throws TypeError for an unknown option, or if a limit is not a number, 0 or more */
  constructor(options: HeadParserOptions = {}) {
    checkNames("RequestParser", options, NAMES, {});
    this.#parser = new HeadParser(options, parseRequestLine, 400);
  }

  /**
   * Parses the next bytes. The chunk is not kept or changed, but `rest` is a view of it.
   *
   * @returns undefined until the head is complete, then the head and the rest of the chunk. If the client sent frames early,
   *   they are in `rest`
   * @throws HandshakeError for a malformed head, with the status to answer with: 431 if it is too large, else 400. Every later
   *   call throws the same error
   * @throws TypeError if the chunk is not bytes, or if the head was already complete
   */
  push(chunk: Bytes): { readonly request: RequestHead; readonly rest: Uint8Array } | undefined {
    const found = this.#parser.push(chunk);
    return found && { request: { ...found.start, headers: found.headers, length: found.length }, rest: found.rest };
  }
}

/**
 * Parses the head of one response, as strictly as RequestParser. Interim responses before it (1xx except 101, RFC 9110 §15.2)
 * are skipped, but count towards the limits.
 */
export class ResponseParser {
  readonly #parser: HeadParser<Omit<ResponseHead, "headers" | "length">>;

  /** @throws TypeError for an unknown option, or if a limit is not a number, 0 or more */
  constructor(options: HeadParserOptions = {}) {
    checkNames("ResponseParser", options, NAMES, {});
    this.#parser = new HeadParser(options, parseStatusLine, undefined);
  }

  /**
   * Parses the next bytes. The chunk is not kept or changed, but `rest` is a view of it.
   *
   * @returns undefined until the head is complete, then the head and the rest of the chunk. After a 101, `rest` contains
   *   frames; otherwise it is the start of the body
   * @throws HandshakeError for a malformed head. Every later call throws the same error
   * @throws TypeError if the chunk is not bytes, or if the head was already complete
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

const NAMES: Names<HeadParserOptions> = { maxHeadSize: true, maxHeaderFields: true };

const CR = 0x0d;
const LF = 0x0a;

interface Found<Start> {
  readonly start: Start;
  readonly headers: HeaderPairs;
  readonly length: number;
  readonly rest: Uint8Array;
}

/** Splits a head into lines. It looks at each byte once, and again when the line is complete. */
class HeadParser<Start extends object> {
  readonly #maxSize: number;
  readonly #maxFields: number;
  readonly #parseStart: (line: string) => Start | undefined;
  /** The status to answer with in case of an error. */
  readonly #status: number | undefined;
  #size = 0;
  #fields = 0;
  /**
   * The start of a line from earlier chunks. Kept as bytes, because a string that grows one character at a time takes 32 bytes
   * for each.
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
    if (this.#complete) throw new TypeError("The head is complete: do not pass more bytes to this parser");
    let lineStart = 0;
    for (let at = 0; at < chunk.length; at++) {
      if (++this.#size > this.#maxSize) {
        this.#failLimit(`The head is longer than ${this.#maxSize} bytes`, "maxHeadSize");
      }
      const byte = chunk[at]!;
      if (this.#carriageReturn) {
        if (byte !== LF) this.#failCharacter();
        this.#carriageReturn = false;
        // The CR may be the end of the previous chunk.
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
      // Doubling keeps all copies together linear in the length.
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

  /** Starts the next head. The limits apply to all heads together. */
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
        this.#fail("WS_ERR_HANDSHAKE_START_LINE", "The first line is not valid HTTP", "RFC 9112 §2.1");
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
      this.#fail("WS_ERR_HANDSHAKE_HEADER", "A line of the head must be a name, a colon and a value", "RFC 9112 §5.1");
    }
    this.#headers.push([name, trimWhitespace(line.slice(colon + 1))]);
  }

  #failCharacter(): never {
    this.#fail(
      this.#start === undefined ? "WS_ERR_HANDSHAKE_START_LINE" : "WS_ERR_HANDSHAKE_HEADER",
      "The head contains a control character, or a line that does not end in CRLF",
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
  if (typeof value !== "number" || Number.isNaN(value) || value < 0)
    throw new TypeError(`${name} must be a number, 0 or more`);
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

/** `HTTP/1.1 SP status SP reason` (RFC 9112 §4). Some servers omit the second space if there is no reason. */
function parseStatusLine(line: string): Omit<ResponseHead, "headers" | "length"> | undefined {
  const httpVersion = parseVersion(line.slice(0, 8));
  const digits = line.slice(9, 12);
  if (httpVersion === undefined || line[8] !== " " || digits.length !== 3 || !isDigits(digits)) return undefined;
  if (digits < "100" || (line.length > 12 && line[12] !== " ")) return undefined;
  return { httpVersion, status: Number(digits), reason: line.slice(13) };
}

/** Parses `HTTP/1.1` (RFC 9112 §2.3) into "1.1". */
function parseVersion(version: string): string | undefined {
  const [major = "", minor = ""] = [version[5], version[7]];
  const valid = version.length === 8 && version.startsWith("HTTP/") && version[6] === "." && isDigits(major + minor);
  return valid ? `${major}.${minor}` : undefined;
}

function isDigits(value: string): boolean {
  return Array.from(value).every((digit) => digit >= "0" && digit <= "9");
}

/** Runtimes limit the number of arguments of a call; this many work everywhere. */
const LATIN1_SLICE = 4096;

/** Makes a string with one character per byte. `TextDecoder` cannot: its latin1 is windows-1252. */
function latin1(bytes: Uint8Array, start: number, end: number): string {
  let text = "";
  for (let at = start; at < end; at += LATIN1_SLICE) {
    const slice = bytes.subarray(at, Math.min(end, at + LATIN1_SLICE));
    // Spreading the bytes would take eight times as long (7.2 µs instead of 0.8 µs for 120 bytes).
    const piece: string = Reflect.apply(String.fromCharCode, undefined, slice);
    text += piece;
  }
  return text;
}
