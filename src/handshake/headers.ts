// Header fields in the forms in which they come, and the checks of those that a user adds.

import { isFieldValue, isToken, splitList, trimWhitespace } from "./syntax.ts";

/** Header fields in their order, as they are written. A name that repeats is a field of its own each time. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[];

/**
 * Header fields in any of the usual forms: `headers` of node:http and node:http2, a WHATWG `Headers`, a plain object
 * (an array is a field for each of its values, undefined is none), pairs of name and value. Values are latin1.
 */
export type HeaderSource =
  | Iterable<readonly [name: string, value: string]>
  | { readonly [name: string]: string | number | readonly string[] | undefined };

/** The values of each field, in their order, by its name in lower case. */
export type Fields = ReadonlyMap<string, readonly string[]>;

/** Header fields in the order in which the source has them. */
export function toPairs(source: HeaderSource): [name: string, value: string][] {
  const pairs: [string, string][] = [];
  if (isIterable(source)) {
    for (const [name, value] of source) pairs.push([name, value]);
    return pairs;
  }
  for (const name of Object.keys(source)) {
    const value = source[name];
    if (value === undefined) continue;
    if (typeof value === "object") for (const each of value) pairs.push([name, each]);
    else pairs.push([name, String(value)]);
  }
  return pairs;
}

function isIterable(source: HeaderSource): source is Iterable<readonly [string, string]> {
  return typeof (source as { [Symbol.iterator]?: unknown })[Symbol.iterator] === "function";
}

export function readFields(source: HeaderSource): Fields {
  const fields = new Map<string, string[]>();
  for (const [name, value] of toPairs(source)) {
    const key = name.toLowerCase();
    const values = fields.get(key);
    if (values === undefined) fields.set(key, [trimWhitespace(value)]);
    else values.push(trimWhitespace(value));
  }
  return fields;
}

/** The members of all fields of a name, taken as one list (RFC 9110 §5.3). */
export function membersOf(fields: Fields, name: string): string[] {
  return (fields.get(name) ?? []).flatMap(splitList);
}

/** The value of a field that must stand there once: undefined if there is none, or more than one. */
export function singleValue(fields: Fields, name: string): string | undefined {
  const values = fields.get(name);
  return values?.length === 1 ? values[0] : undefined;
}

/**
 * Header fields of the user's, checked so that nothing can be smuggled into a head with them.
 *
 * @param own Names in lower case that the handshake itself writes
 * @throws TypeError if a name is no token or one of `own`, or a value has a control character (CR, LF, NUL) or one
 *   that is not of latin1
 */
export function checkedHeaders(source: HeaderSource, own: readonly string[] = []): [name: string, value: string][] {
  const pairs = toPairs(source);
  for (const [name, value] of pairs) {
    if (!isToken(name)) throw new TypeError(`${JSON.stringify(name)} is not the name of a header field`);
    if (own.includes(name.toLowerCase())) throw new TypeError(`The handshake writes ${name} itself`);
    if (typeof value !== "string" || !isFieldValue(value)) {
      throw new TypeError(`The value of ${name} has characters that a header field must not have`);
    }
  }
  return pairs;
}

/** What of Sec-WebSocket-* and of the connection no user writes, on either side. */
export const HANDSHAKE_FIELDS: readonly string[] = [
  "connection",
  "content-length",
  "sec-websocket-accept",
  "sec-websocket-extensions",
  "sec-websocket-key",
  "sec-websocket-protocol",
  "sec-websocket-version",
  "transfer-encoding",
  "upgrade",
];
