// What the parsers of both headers share: tokens, whitespace, and the errors of ws, which name the index.

import { isTokenCharacter, isWhitespace } from "../handshake/syntax.ts";

/** Walks a header value. @internal */
export class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  /** Whether nothing is left. */
  get done(): boolean {
    return this.#at >= this.#text.length;
  }

  /** The token that stands here. @throws SyntaxError if there is none */
  token(): string {
    const start = this.#at;
    while (isTokenCharacter(this.#text.charCodeAt(this.#at))) this.#at++;
    if (this.#at === start) throw this.unexpected();
    return this.#text.slice(start, this.#at);
  }

  /** The content of the quoted string that begins here: a token, once it is unescaped (RFC 6455 §9.1). @throws SyntaxError */
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

  /** Skips whitespace between an element and what separates it from the next. @throws SyntaxError if nothing follows it */
  skipAfter(): void {
    const start = this.#at;
    this.skip();
    if (this.done && this.#at > start) throw this.unexpected();
  }

  /** Takes a character, if it is the next one. */
  take(character: string): boolean {
    if (this.#char() !== character) return false;
    this.#at++;
    return true;
  }

  /** Whether a character is the next one. */
  sees(character: string): boolean {
    return this.#char() === character;
  }

  /** The error for what stands here. */
  unexpected(): SyntaxError {
    return new SyntaxError(this.done ? "Unexpected end of input" : `Unexpected character at index ${this.#at}`);
  }

  #char(): string {
    return this.#text.charAt(this.#at);
  }
}
