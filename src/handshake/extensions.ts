// Sec-WebSocket-Extensions (RFC 6455 §9.1): its syntax, and what comes out of a negotiation.

import type { AgreedExtension, Extension, ExtensionParameters } from "../frame/extension.ts";
import { isToken, isTokenCharacter, isWhitespace } from "./syntax.ts";

/** An extension as the header has it. */
export interface NamedExtension {
  /** Its token, as it stands there. */
  readonly name: string;
  /** Its parameters in their order, without quotes. */
  readonly parameters: ExtensionParameters;
}

const QUOTE = 0x22;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const BACKSLASH = 0x5c;

/**
 * What a Sec-WebSocket-Extensions header says (RFC 6455 §9.1), or undefined if it is malformed. Fields of the same name
 * are joined with a comma. Quotes are taken off; what was in them must be a token too. Takes one pass over the value.
 */
export function parseExtensions(value: string): NamedExtension[] | undefined {
  const extensions: NamedExtension[] = [];
  let at = 0;

  const skipWhitespace = (): void => {
    while (isWhitespace(value.charCodeAt(at))) at++;
  };
  /** The token that stands here, empty if there is none, and the whitespace behind it. */
  const readToken = (): string => {
    const start = at;
    while (isTokenCharacter(value.charCodeAt(at))) at++;
    const token = value.slice(start, at);
    skipWhitespace();
    return token;
  };
  /** The content of the quoted string that begins here, empty if it does not end, and the whitespace behind it. */
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
      at++; // an empty member, which a recipient ignores (RFC 9110 §5.6.1)
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
 * The value of a Sec-WebSocket-Extensions header (RFC 6455 §9.1).
 *
 * @throws TypeError if a name or a value is no token
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
    throw new TypeError(`${JSON.stringify(value)} cannot stand in Sec-WebSocket-Extensions: it is not a token`);
  }
  return value;
}

/**
 * Role server: what to agree on. The client's offers are gone through in its order of preference; the first of a name
 * that an extension accepts is taken, unless one that was taken before owns the same RSV bits.
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
 * Role client: what a response has agreed on, or undefined if it has an extension that was not offered, or one twice,
 * parameters that are no answer, or two that share an RSV bit (RFC 6455 §4.1, §9.1).
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

/** Whether an extension cannot be added: its name is taken, or one of its RSV bits (RFC 6455 §9.1). */
function conflicts(extension: Extension, agreed: readonly AgreedExtension[]): boolean {
  return agreed.some((other) => other.extension.name === extension.name || (other.extension.rsv & extension.rsv) !== 0);
}
