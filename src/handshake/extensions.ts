// The syntax of Sec-WebSocket-Extensions (RFC 6455 §9.1), and the result of a negotiation.

import type { AgreedExtension, Extension, ExtensionParameters } from "../frame/extension.ts";
import { isToken, isTokenCharacter, isWhitespace } from "./syntax.ts";

/** One extension in the header field Sec-WebSocket-Extensions. */
export interface NamedExtension {
  /** Its token, as written. */
  readonly name: string;
  /** Its parameters, in order and without quotes. */
  readonly parameters: ExtensionParameters;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/**
 * Parses the value of Sec-WebSocket-Extensions (RFC 6455 §9.1), in one pass. Join repeated fields with a comma first. Quotes
 * are removed; a quoted value must be a token, too.
 *
 * @returns undefined if the value is malformed
 */
export function parseExtensions(value: string): NamedExtension[] | undefined {
  const extensions: NamedExtension[] = [];
  let at = 0;

  const skipWhitespace = (): void => {
    while (isWhitespace(value.charCodeAt(at))) at++;
  };
  /** Reads a token, which may be empty, and the whitespace after it. */
  const readToken = (): string => {
    const start = at;
    while (isTokenCharacter(value.charCodeAt(at))) at++;
    const token = value.slice(start, at);
    skipWhitespace();
    return token;
  };
  /** Reads a quoted string and the whitespace after it. Returns "" if the string does not end. */
  const readQuoted = (): string => {
    let content = "";
    for (at++; at < value.length; at++) {
      const code = value.charCodeAt(at);
      if (code === QUOTE) {
        at++;
        skipWhitespace();
        return content;
      }
      if (code === BACKSLASH) at++;
      content += value.charAt(at);
    }
    return "";
  };

  while (at < value.length) {
    skipWhitespace();
    if (value.charCodeAt(at) === COMMA) {
      at++; // Recipients ignore empty members (RFC 9110 §5.6.1).
      continue;
    }
    if (at === value.length) break;
    const name = readToken();
    if (name === "") return undefined;
    const parameters: [name: string, value: string | true][] = [];
    while (value.charCodeAt(at) === SEMICOLON) {
      at++;
      skipWhitespace();
      const parameter = readToken();
      if (parameter === "") return undefined;
      if (value.charCodeAt(at) !== EQUALS) {
        parameters.push([parameter, true]);
        continue;
      }
      at++;
      skipWhitespace();
      const content = value.charCodeAt(at) === QUOTE ? readQuoted() : readToken();
      if (!isToken(content)) return undefined;
      parameters.push([parameter, content]);
    }
    if (at < value.length && value.charCodeAt(at) !== COMMA) return undefined;
    extensions.push({ name, parameters });
  }
  return extensions.length > 0 ? extensions : undefined;
}

/**
 * Makes the value of Sec-WebSocket-Extensions (RFC 6455 §9.1).
 *
 * @throws TypeError if a name or a value is not a token
 */
export function serializeExtensions(extensions: readonly NamedExtension[]): string {
  return extensions
    .map(({ name, parameters }) =>
      [
        token(name),
        ...parameters.map(([parameter, value]) =>
          value === true ? token(parameter) : `${token(parameter)}=${token(value)}`,
        ),
      ].join("; "),
    )
    .join(", ");
}

function token(value: string): string {
  if (typeof value !== "string" || !isToken(value)) {
    throw new TypeError(`${JSON.stringify(value)} in Sec-WebSocket-Extensions is not a token`);
  }
  return value;
}

/**
 * Role server: chooses extensions. Goes through the offers in the client's order of preference and takes the first that an
 * extension of that name accepts. Skips extensions that share an RSV bit with one taken before.
 */
export function negotiate(offers: readonly NamedExtension[], extensions: readonly Extension[]): AgreedExtension[] {
  const agreed: AgreedExtension[] = [];
  for (const offer of offers) {
    for (const extension of extensions) {
      if (extension.name !== offer.name || conflicts(extension, agreed)) continue;
      const parameters = extension.accept(offer.parameters);
      if (parameters === undefined) continue;
      agreed.push({ extension, parameters });
      break;
    }
  }
  return agreed;
}

/**
 * Role client: the agreed extensions. Undefined if the response contains an extension that was not offered, the same one twice,
 * wrong parameters, or two extensions with the same RSV bit (RFC 6455 §4.1, §9.1).
 */
export function confirm(
  answers: readonly NamedExtension[],
  offers: readonly NamedExtension[],
  extensions: readonly Extension[],
): AgreedExtension[] | undefined {
  const agreed: AgreedExtension[] = [];
  const offered = new Set(offers.map(({ name }) => name));
  for (const { name, parameters } of answers) {
    const extension = extensions.find(
      (each) => each.name === name && !conflicts(each, agreed) && each.confirm(parameters),
    );
    if (extension === undefined || !offered.has(name)) return undefined;
    agreed.push({ extension, parameters });
  }
  return agreed;
}

/** Whether an extension cannot be added because its name or one of its RSV bits is taken (RFC 6455 §9.1). */
function conflicts(extension: Extension, agreed: readonly AgreedExtension[]): boolean {
  return agreed.some((other) => other.extension.name === extension.name || (other.extension.rsv & extension.rsv) !== 0);
}
