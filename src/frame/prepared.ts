import { encodeUtf8 } from "./text.ts";
import { writeHeader } from "./header.ts";
import { MAX_HEADER } from "./sizes.ts";
import { assertBytes } from "./options.ts";
import { Opcode } from "./opcodes.ts";
import { BIT_FIN } from "../../assembly/memory.ts";

/**
 * A message that goes to many connections: encoded once, with the header that a server sends. A client masks
 * each copy, as it must (RFC 6455 §5.3), and saves the encoding of the text.
 */
export class PreparedMessage {
  /** The payload in bytes. Shared by all who send it: do not write to it. */
  readonly payload: Uint8Array;
  /** The whole frame, not masked. Shared by all who send it: do not write to it. */
  readonly frame: Uint8Array;
  /** FIN and opcode. @internal */
  readonly firstByte: number;

  /**
   * A string makes a text message, bytes a binary one. Bytes are copied.
   * @throws TypeError if data is neither a string nor a Uint8Array
   */
  constructor(data: string | Uint8Array) {
    const text = typeof data === "string";
    if (!text) assertBytes(data, "data");
    const bytes = text ? encodeUtf8(data) : data;
    this.firstByte = BIT_FIN | (text ? Opcode.Text : Opcode.Binary);
    const header = new Uint8Array(MAX_HEADER);
    const headerLength = writeHeader(header, this.firstByte, bytes.length, undefined);
    this.frame = new Uint8Array(headerLength + bytes.length);
    this.frame.set(header.subarray(0, headerLength));
    this.payload = this.frame.subarray(headerLength);
    this.payload.set(bytes);
  }
}
