// Reads header fields in all their forms, and checks those that a user adds.

import { isFieldValue, isToken, splitList, trimWhitespace } from "./syntax.ts";

/** Header fields in order, with their names as written. A repeated name has one pair for each field. */
export type HeaderPairs = readonly (readonly [name: string, value: string])[];

/**
 * Header fields in any common form: `headers` of node:http and node:http2, a WHATWG `Headers`, pairs of name and value, or a
 * plain object. In an object, an array stands for one field per item, and undefined for no field. Values are latin1.
 */
export type HeaderSource =
  | Iterable<readonly [name: string, value: string]>
  | { readonly [name: string]: string | number | readonly string[] | undefined };

/** The values of each field, in order, by its name in lower case. */
export type Fields = ReadonlyMap<string, readonly string[]>;

/** Header fields in the order of the source. */
export function toPairs(source: HeaderSource): [name: string, value: string][] {
  if (typeof source !== "object" || source === null) throw new TypeError("`headers` must be an object or pairs");
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

/** The members of all fields with this name, read as one list (RFC 9110 §5.3). */
export function membersOf(fields: Fields, name: string): string[] {
  return (fields.get(name) ?? []).flatMap(splitList);
}

/** The value of a field that must occur exactly once: undefined if it is missing or repeated. */
export function singleValue(fields: Fields, name: string): string | undefined {
  const values = fields.get(name);
  return values?.length === 1 ? values[0] : undefined;
}

/**
 * Checks a user's header fields, so that they cannot inject anything into a head.
 *
 * @param own names, in lower case, of fields that the handshake sets itself
 * @throws TypeError if a name is not a token or is one of `own`, or if a value contains a control character (CR, LF, NUL) or a
 *   character outside latin1
 */
export function checkedHeaders(source: HeaderSource, own: readonly string[] = []): [name: string, value: string][] {
  const pairs = toPairs(source);
  for (const [name, value] of pairs) {
    if (!isToken(name)) throw new TypeError(`\`headers\`: ${JSON.stringify(name)} is not a valid field name`);
    if (own.includes(name.toLowerCase())) {
      throw new TypeError(`\`headers\` must not contain ${name}: ${adviceFor(name.toLowerCase())}`);
    }
    if (typeof value !== "string" || !isFieldValue(value)) {
      throw new TypeError(`\`headers\`: the value of ${name} has forbidden characters`);
    }
  }
  return pairs;
}

/** How to set a field that `headers` must not contain. */
function adviceFor(name: string): string {
  switch (name) {
    case "origin":
      return "use the option `origin`";
    case "sec-websocket-protocol":
      return "use the option `protocols`";
    case "sec-websocket-extensions":
      return "use the option `extensions`";
    case "content-length":
    case "transfer-encoding":
      return "the length follows from the body";
    default:
      return "the handshake sets it";
  }
}

/** The fields of the handshake and of the connection that a user must not set, on either side. */
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
