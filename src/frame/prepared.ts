import { BIT_FIN, BITS_OPCODE } from "../../assembly/memory.ts";
import { asBytesOrText, type Bytes } from "./bytes.ts";
import { writeHeader } from "./header.ts";
import { Opcode } from "./opcodes.ts";
import { MAX_HEADER } from "./sizes.ts";
import { encodeUtf8 } from "./utf8.ts";

/** A message in one frame that is not masked, and its payload in it. @internal */
export interface SerializedMessage {
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly frame: Uint8Array<ArrayBuffer>;
  /** FIN, RSV bits and opcode. */
  readonly firstByte: number;
}

/**
 * A message that goes to many connections: encoded once, with the header that a server sends, and compressed once for
 * each set of parameters. A client masks each copy, as it must (RFC 6455 §5.3), and saves the encoding of the text.
 */
export class PreparedMessage {
  /** The payload in bytes, not compressed. All that send the message share it: do not write to it. */
  readonly payload: Uint8Array<ArrayBuffer>;
  /** The whole frame, not compressed and not masked. All that send the message share it: do not write to it. */
  readonly frame: Uint8Array<ArrayBuffer>;
  /** FIN, RSV bits and opcode. @internal */
  readonly firstByte: number;

  /**
   * A string makes a text message, bytes a binary one. Bytes are copied.
   * @throws TypeError if data is neither a string nor bytes
   */
  constructor(data: string | Bytes) {
    const content = asBytesOrText(data);
    const text = typeof content === "string";
    const firstByte = BIT_FIN | (text ? Opcode.Text : Opcode.Binary);
    const { payload, frame } = serialize(firstByte, text ? encodeUtf8(content) : content);
    this.payload = payload;
    this.frame = frame;
    this.firstByte = firstByte;
  }

  /** Whether it is a text message, and not a binary one. */
  get text(): boolean {
    return (this.firstByte & BITS_OPCODE) === Opcode.Text;
  }
}

/** A frame that is not masked. @internal */
export function serialize(firstByte: number, payload: Uint8Array): SerializedMessage {
  const header = new Uint8Array(MAX_HEADER);
  const headerLength = writeHeader(header, 0, firstByte, payload.length, undefined);
  const frame = new Uint8Array(headerLength + payload.length);
  frame.set(header.subarray(0, headerLength));
  frame.set(payload, headerLength);
  return { payload: frame.subarray(headerLength), frame, firstByte };
}
