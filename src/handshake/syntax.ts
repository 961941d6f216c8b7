// The character classes of HTTP (RFC 9110 §5.5, §5.6). All functions loop over characters, so they take linear time.

const TAB = 0x09;
const SPACE = 0x20;
const DELETE = 0x7f;

/** Whether a character is allowed in a token (RFC 9110 §5.6.2). */
export function isTokenCharacter(code: number): boolean {
  if (code >= 0x61 && code <= 0x7a) return true; // a-z
  if (code >= 0x41 && code <= 0x5a) return true; // A-Z
  if (code >= 0x30 && code <= 0x39) return true; // 0-9
  switch (code) {
    case 0x21: // !
    case 0x23: // #
    case 0x24: // $
    case 0x25: // %
    case 0x26: // &
    case 0x27: // '
    case 0x2a: // *
    case 0x2b: // +
    case 0x2d: // -
    case 0x2e: // .
    case 0x5e: // ^
    case 0x5f: // _
    case 0x60: // `
    case 0x7c: // |
    case 0x7e: // ~
      return true;
    default:
      return false;
  }
}

/** Whether a string is a token (RFC 9110 §5.6.2): not empty, and without separators. */
export function isToken(value: string): boolean {
  return value.length > 0 && every(value, isTokenCharacter);
}

/**
 * Whether a character is allowed in a field value or a reason phrase (RFC 9110 §5.5): latin1, without control characters except
 * tab.
 */
export function isValueCharacter(code: number): boolean {
  return (code >= SPACE && code !== DELETE && code <= 0xff) || code === TAB;
}

/** Whether a string is a valid field value (RFC 9110 §5.5). */
export function isFieldValue(value: string): boolean {
  return every(value, isValueCharacter);
}

/** Whether a string is not empty and all visible ASCII, as a request target must be (RFC 9112 §3.2). */
export function isVisible(value: string): boolean {
  return value.length > 0 && every(value, (code) => code > SPACE && code < DELETE);
}

/** Whether a string has only characters of a host with an optional port. The grammar is not checked (RFC 9110 §7.2). */
export function isAuthority(value: string): boolean {
  return isVisible(value) && !Array.from(value).some((character) => '/?#@\\"<>'.includes(character));
}

export function isWhitespace(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** Removes spaces and tabs at both ends (RFC 9110 §5.6.3). `String.trim` would remove other characters, too. */
export function trimWhitespace(value: string): string {
  let start = 0;
  let end = value.length;
  while (start < end && isWhitespace(value.charCodeAt(start))) start++;
  while (end > start && isWhitespace(value.charCodeAt(end - 1))) end--;
  return value.slice(start, end);
}

/** The members of a list without quoted strings. Recipients ignore empty members (RFC 9110 §5.6.1). */
export function splitList(value: string): string[] {
  return value
    .split(",")
    .map(trimWhitespace)
    .filter((member) => member !== "");
}

/** Whether a value is `token`, which is in lower case, ignoring the case of ASCII letters. A Kelvin sign is not a k. */
export function isSameToken(value: string, token: string): boolean {
  return value.length === token.length && isToken(value) && value.toLowerCase() === token;
}

function every(value: string, allowed: (code: number) => boolean): boolean {
  for (let at = 0; at < value.length; at++) {
    if (!allowed(value.charCodeAt(at))) return false;
  }
  return true;
}
