// The HTTP head in front of a stream: the upgrade request of a client or the 101 response of a server.

import { InputError } from "./input-error.ts";
import { plainText } from "./preview.ts";

/** A first line longer than this is not taken for one, in bytes. */
const MAX_FIRST_LINE = 16384;
/** How much of it is shown, in columns. */
const SHOWN_WIDTH = 96;
const CR = 0x0d;
const LF = 0x0a;
const FIRST_LINE = /^(?:[A-Z]+ \S+ HTTP\/1\.[01]|HTTP\/1\.[01] (\d{3})[^\r\n]*)\r\n/;

/** What the head of a stream says. */
export interface HttpHead {
  /** Who sent it, and so the bytes after it. */
  readonly sender: "client" | "server";
  /** Its first line, to be shown. */
  readonly line: string;
  /** Its length in bytes, the empty line included: where the frames start. */
  readonly length: number;
  /** Whether permessage-deflate is offered (by a client) or accepted (by a server). */
  readonly deflate: boolean;
  /** All of Sec-WebSocket-Extensions. */
  readonly extensions: string;
}

/**
 * The HTTP head that a file begins with, or undefined. No frame can look like one: `G` and `H` as a first
 * byte would have RSV1 set with an opcode that is reserved or needs FIN.
 *
 * @throws InputError for a head that no frames can follow
 */
export function parseHead(file: Uint8Array): HttpHead | undefined {
  const first = FIRST_LINE.exec(latin1(file.subarray(0, MAX_FIRST_LINE)));
  if (first === null) return undefined;
  const line = plainText(first[0].trimEnd(), SHOWN_WIDTH);
  const status = first[1];
  const end = endOfHead(file);
  if (end === -1) throw new InputError(`an HTTP head that does not end: ${line}`);
  if (status !== undefined && status !== "101") {
    throw new InputError(`a response that is not 101 Switching Protocols, so there are no frames: ${line}`);
  }
  const fields = latin1(file.subarray(0, end)).split("\r\n").slice(1);
  if (!valuesOf(fields, "upgrade").some((value) => value.toLowerCase() === "websocket")) {
    throw new InputError(`an HTTP head without "Upgrade: websocket": ${line}`);
  }
  const extensions = valuesOf(fields, "sec-websocket-extensions");
  return {
    sender: status === undefined ? "client" : "server",
    line,
    length: end + 4,
    deflate: extensions.some((value) => value.split(";")[0]!.trim().toLowerCase() === "permessage-deflate"),
    extensions: extensions.join(", "),
  };
}

/** A string of the bytes, each as the character of its number. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Where the empty line stands, or -1. */
function endOfHead(file: Uint8Array): number {
  for (let at = file.indexOf(CR); at !== -1; at = file.indexOf(CR, at + 1)) {
    if (file[at + 1] === LF && file[at + 2] === CR && file[at + 3] === LF) return at;
  }
  return -1;
}

/** What all fields of a name list together, commas taken apart. */
function valuesOf(fields: readonly string[], name: string): string[] {
  return fields
    .filter((field) => field.toLowerCase().startsWith(`${name}:`))
    .flatMap((field) => field.slice(name.length + 1).split(","))
    .map((value) => value.trim());
}
