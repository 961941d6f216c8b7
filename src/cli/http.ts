// The HTTP head at the start of a stream: the upgrade request of a client or the 101 response of a server.

import { InputError } from "./input-error.ts";
import { plainText } from "./preview.ts";

/** The longest first line that is recognized, in bytes. */
const MAX_FIRST_LINE = 16384;
/** How much of the first line is shown, in columns. */
const SHOWN_WIDTH = 96;
const CR = 0x0d;
const LF = 0x0a;
const FIRST_LINE = /^(?:[A-Z]+ \S+ HTTP\/1\.[01]|HTTP\/1\.[01] (\d{3})[^\r\n]*)\r\n/;

/** The HTTP head of a stream. */
export interface HttpHead {
  /** The sender of the head and of the bytes after it. */
  readonly sender: "client" | "server";
  /** The first line, safe to print. */
  readonly line: string;
  /** The length in bytes, including the empty line. The frames start here. */
  readonly length: number;
  /** Whether permessage-deflate is offered (by a client) or accepted (by a server). */
  readonly deflate: boolean;
  /** The values of all Sec-WebSocket-Extensions fields, joined with commas. */
  readonly extensions: string;
}

/**
 * Returns the HTTP head at the start of a file, or undefined. No frame can look like one: as a first byte, `G` has
 * a reserved opcode, and `H` is a Close without FIN.
 *
 * @throws InputError if no frames can follow the head
 */
export function parseHead(file: Uint8Array): HttpHead | undefined {
  const first = FIRST_LINE.exec(latin1(file.subarray(0, MAX_FIRST_LINE)));
  if (first === null) return undefined;
  const line = plainText(first[0].trimEnd(), SHOWN_WIDTH);
  const status = first[1];
  const end = endOfHead(file);
  if (end === -1) throw new InputError(`the HTTP head is incomplete: ${line}`);
  if (status !== undefined && status !== "101") {
    throw new InputError(`the response is not 101 Switching Protocols, so no frames follow: ${line}`);
  }
  const fields = latin1(file.subarray(0, end)).split("\r\n").slice(1);
  if (!valuesOf(fields, "upgrade").some((value) => value.toLowerCase() === "websocket")) {
    throw new InputError(`the HTTP head has no "Upgrade: websocket": ${line}`);
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

/** Decodes bytes as Latin-1. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}

/** Returns the offset of the CRLF before the empty line, or -1. */
function endOfHead(file: Uint8Array): number {
  for (let at = file.indexOf(CR); at !== -1; at = file.indexOf(CR, at + 1)) {
    if (file[at + 1] === LF && file[at + 2] === CR && file[at + 3] === LF) return at;
  }
  return -1;
}

/** Returns all values of a field, split at commas. */
function valuesOf(fields: readonly string[], name: string): string[] {
  return fields
    .filter((field) => field.toLowerCase().startsWith(`${name}:`))
    .flatMap((field) => field.slice(name.length + 1).split(","))
    .map((value) => value.trim());
}
