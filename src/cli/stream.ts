// Finds the frames in the bytes of a file, and the role and extensions to decode them with. No I/O.

import type { Role } from "wsframe";
import { parseHexText } from "./hex.ts";
import { type HttpHead, parseHead } from "./http.ts";
import { InputError } from "./input-error.ts";
import { captureFormat } from "./packets.ts";

const RSV1 = 4;
const MASK_BIT = 0x80;

/** Settings from the command line. They override what a stream says about itself. */
export interface StreamOptions {
  readonly role: Role | undefined;
  /** RSV bits as a number from 0 to 7: RSV1 is 4. */
  readonly rsv: number | undefined;
}

/** One direction of a connection. */
export interface Stream {
  /** The name of the file in messages. */
  readonly file: string;
  /** Whether the file was hex text. Offsets count its bytes, not its characters. */
  readonly hex: boolean;
  /** Length of the file in bytes, after hex text has been converted. */
  readonly size: number;
  readonly head: HttpHead | undefined;
  /** All bytes, including the head. */
  readonly whole: Uint8Array;
  /** The bytes after the head. */
  readonly bytes: Uint8Array;
  /** The role of the reader. */
  readonly role: Role;
  /** Where the role comes from. If it was guessed, the bytes may not be a stream at all. */
  readonly roleFrom: "option" | "head" | "name" | "guess";
  /** The RSV bits that are allowed, from 0 to 7. */
  readonly rsv: number;
}

/** The content of a file. */
export interface Source {
  readonly file: string;
  /** The sender, if the file name reveals it. */
  readonly sender: "client" | "server" | undefined;
  readonly content: Uint8Array;
}

/**
 * Opens both streams of one connection, or a single one.
 * @throws InputError if a file does not start like a stream
 */
export function openStreams(sources: readonly Source[], options: StreamOptions): Stream[] {
  const parts = sources.map(openSource);
  // The response decides about extensions. A request alone has only the offer.
  const response = parts.find((part) => part.head?.sender === "server");
  return parts.map((part) => {
    const deflate = (response ?? part).head?.deflate === true;
    return { ...part, ...roleOf(part, options), rsv: options.rsv ?? (deflate ? RSV1 : 0) };
  });
}

type PartialStream = Omit<Stream, "role" | "roleFrom" | "rsv"> & Pick<Source, "sender">;

function openSource({ file, sender, content }: Source): PartialStream {
  try {
    if (content.length === 0) throw new InputError("the file is empty");
    const fromHex = parseHexText(content);
    const whole = fromHex ?? content;
    const format = captureFormat(whole);
    if (format !== undefined) {
      throw new InputError(
        `a ${format} file contains packets, not a stream: save the bytes of one direction with Wireshark ` +
          "(Follow, TCP Stream, one direction, Show as Raw), or print the packets with tcpdump -x",
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
