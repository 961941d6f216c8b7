// From the bytes of a file to those of its frames, and what is known of them before they are decoded. No I/O.

import type { Role } from "wsframe";
import { parseHexText } from "./hex.ts";
import { type HttpHead, parseHead } from "./http.ts";
import { InputError } from "./input-error.ts";
import { captureFormat } from "./packets.ts";

const RSV1 = 4;
const MASK_BIT = 0x80;

/** What the command line says about streams, over what they say themselves. */
export interface StreamOptions {
  readonly role: Role | undefined;
  /** RSV bits as a number from 0 to 7: RSV1 is 4. */
  readonly rsv: number | undefined;
}

/** One direction of a connection. */
export interface Stream {
  /** The file, as it is called in messages. */
  readonly file: string;
  /** Whether the file was hex text. Offsets count the bytes that it stands for. */
  readonly hex: boolean;
  /** Length of the file (or of what its hex text stands for) in bytes. */
  readonly size: number;
  readonly head: HttpHead | undefined;
  /** All of its bytes. */
  readonly whole: Uint8Array;
  /** Those after the head. */
  readonly bytes: Uint8Array;
  /** Who decodes this: the other end. */
  readonly role: Role;
  /** Where the role comes from. A guess may be of bytes that are no stream at all. */
  readonly roleFrom: "option" | "head" | "name" | "guess";
  /** The RSV bits that are let through, from 0 to 7. */
  readonly rsv: number;
}

/** A file as it was read. */
export interface Source {
  readonly file: string;
  /** Who sent it, if its name says so. */
  readonly sender: "client" | "server" | undefined;
  readonly content: Uint8Array;
}

/**
 * The streams of one connection, or the one that there is.
 * @throws InputError if a file is not a stream from its head on
 */
export function openStreams(sources: readonly Source[], options: StreamOptions): Stream[] {
  const parts = sources.map(openSource);
  // Of a connection the response decides; of a request alone there is only the offer.
  const response = parts.find((part) => part.head?.sender === "server");
  return parts.map((part) => {
    const deflate = (response ?? part).head?.deflate === true;
    return { ...part, ...roleOf(part, options), rsv: options.rsv ?? (deflate ? RSV1 : 0) };
  });
}

type PartialStream = Omit<Stream, "role" | "roleFrom" | "rsv"> & Pick<Source, "sender">;

function openSource({ file, sender, content }: Source): PartialStream {
  try {
    if (content.length === 0) throw new InputError("empty");
    const fromHex = parseHexText(content);
    const whole = fromHex ?? content;
    const format = captureFormat(whole);
    if (format !== undefined) {
      throw new InputError(
        `a ${format} file, which has packets in it: give the bytes of one direction, as Wireshark saves them ` +
          "(Follow, TCP Stream, one direction, Show as Raw), or as tcpdump -x prints them",
      );
    }
    const head = parseHead(whole);
    return {
      file,
      sender,
      hex: fromHex !== undefined,
      size: whole.length,
      head,
      whole,
      bytes: whole.subarray(head?.length ?? 0),
    };
  } catch (error) {
    if (error instanceof InputError) throw new InputError(`${file}: ${error.message}`);
    throw error;
  }
}

function roleOf(part: PartialStream, options: StreamOptions): Pick<Stream, "role" | "roleFrom"> {
  if (options.role !== undefined) return { role: options.role, roleFrom: "option" };
  const sender = part.head?.sender ?? part.sender;
  if (sender !== undefined) {
    return {
      role: sender === "client" ? "server" : "client",
      roleFrom: part.head ? "head" : "name",
    };
  }
  // Only clients mask (RFC 6455 §5.1).
  return { role: (part.bytes[1] ?? 0) & MASK_BIT ? "server" : "client", roleFrom: "guess" };
}
