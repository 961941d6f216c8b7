// `subprotocol` of ws: reads the header Sec-WebSocket-Protocol of a request.

import { Scanner } from "./scanner.ts";

/**
 * Parses a Sec-WebSocket-Protocol header and returns its subprotocols in order (RFC 6455 §4.1). As in ws, empty list members are
 * errors.
 *
 * @throws SyntaxError if the header is not a list of tokens, or contains one twice
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
