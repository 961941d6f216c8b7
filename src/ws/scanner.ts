// Shared by the parsers of both headers: reads tokens and whitespace, and throws the errors of ws, which name the index.

import { isTokenCharacter, isWhitespace } from "../handshake/syntax.ts";

/** Reads a header value from left to right. @internal */
export class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Whether the end is reached. */
  get done(): boolean {
    return this.#at >= this.#text.length;
  }

  /** Reads a token. @throws SyntaxError if there is none */
  token(): string {
    const start = this.#at;
    while (isTokenCharacter(this.#text.charCodeAt(this.#at))) this.#at++;
    if (this.#at === start) throw this.unexpected();
    return this.#text.slice(start, this.#at);
  }

  /** Reads a quoted string. Its unescaped content must be a token (RFC 6455 §9.1). @throws SyntaxError */
  quoted(): string {
    let content = "";
    for (this.#at++; !this.done; this.#at++) {
      if (content !== "" && this.#char() === '"') {
        this.#at++;
        return content;
      }
      if (this.#char() === "\\") this.#at++;
      if (!isTokenCharacter(this.#text.charCodeAt(this.#at))) break;
      content += this.#char();
    }
    throw this.unexpected();
  }

  /** Skips whitespace. */
  skip(): void {
    while (isWhitespace(this.#text.charCodeAt(this.#at))) this.#at++;
  }

  /** Skips whitespace before a separator. @throws SyntaxError for whitespace at the end */
  skipAfter(): void {
    const start = this.#at;
    this.skip();
    if (this.done && this.#at > start) throw this.unexpected();
  }

  /** Skips a character if it is the next one. Returns whether it was. */
  take(character: string): boolean {
    if (this.#char() !== character) return false;
    this.#at++;
    return true;
  }

  /** Whether the next character is this one. */
  sees(character: string): boolean {
    return this.#char() === character;
  }

  /** The error for the current position. */
  unexpected(): SyntaxError {
    return new SyntaxError(this.done ? "Unexpected end of input" : `Unexpected character at index ${this.#at}`);
  }

  #char(): string {
    return this.#text.charAt(this.#at);
  }
}
