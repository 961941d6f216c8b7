// Sec-WebSocket-Protocol (RFC 6455 §1.9, §4.1, §4.2.2, §11.3.4). Subprotocols are compared as whole tokens, and their
// case counts.

import { isToken, splitList } from "./syntax.ts";

/**
 * The subprotocols that all fields of the name offer, in the client's order; undefined if one is no token, if one stands
 * there twice, or if the fields name none at all.
 */
export function parseSubprotocols(values: readonly string[]): string[] | undefined {
  const names = values.flatMap(splitList);
  return names.length > 0 && names.every(isToken) && new Set(names).size === names.length ? names : undefined;
}

/** @throws TypeError if one of a user's subprotocols is no token, or stands there twice */
export function checkSubprotocols(names: readonly string[]): void {
  // A string would be taken for a list of its letters.
  if (!Array.isArray(names)) throw new TypeError("The subprotocols must be an array");
  for (const name of names) {
    if (typeof name !== "string" || !isToken(name)) throw new TypeError(`${JSON.stringify(name)} is not a subprotocol`);
  }
  if (new Set(names).size !== names.length) throw new TypeError("A subprotocol must not be named twice");
}
