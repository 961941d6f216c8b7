// Parses Sec-WebSocket-Protocol (RFC 6455 §1.9, §4.1, §4.2.2, §11.3.4). Subprotocols are tokens and are case-sensitive.

import { isToken, splitList } from "./syntax.ts";

/**
 * The subprotocols in all fields of this name, in the client's order. Undefined if there are none, if one is not a token, or if
 * one is repeated.
 */
export function parseSubprotocols(values: readonly string[]): string[] | undefined {
  const names = values.flatMap(splitList);
  return names.length > 0 && names.every(isToken) && new Set(names).size === names.length ? names : undefined;
}

/** @throws TypeError if one of a user's subprotocols is not a token or is repeated */
export function checkSubprotocols(names: readonly string[]): void {
  // A string would count as a list of its letters.
  if (!Array.isArray(names)) throw new TypeError("`protocols` must be an array of strings");
  for (const name of names) {
    if (typeof name !== "string" || !isToken(name)) {
      throw new TypeError(`\`protocols\`: ${JSON.stringify(name)} is not a token`);
    }
  }
  if (new Set(names).size !== names.length) throw new TypeError("`protocols` must not have duplicates");
}
