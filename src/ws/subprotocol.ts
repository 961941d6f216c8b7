// `subprotocol` of ws: Sec-WebSocket-Protocol as a client sends it.

import { Scanner } from "./scanner.ts";

/**
 * The subprotocols that a Sec-WebSocket-Protocol header names, in their order (RFC 6455 §4.1). As ws does it, empty members of
 * the list are errors.
 *
 * @throws SyntaxError if the header is not a list of tokens, or has one twice
 */
export function parse(header: string): Set<string> {
  const names = new Set<string>();
  const scanner = new Scanner(header);
  for (;;) {
    const name = scanner.token();
    scanner.skipAfter();
    if (!scanner.done && !scanner.sees(",")) throw scanner.unexpected();
    if (names.has(name)) throw new SyntaxError(`The "${name}" subprotocol is duplicated`);
    names.add(name);
    if (!scanner.take(",")) return names;
    scanner.skip();
  }
}
