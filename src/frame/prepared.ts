import { BIT_FIN, BITS_OPCODE } from "../../assembly/memory.ts";
import { asBytesOrText, type Bytes } from "./bytes.ts";
import { writeHeader } from "./header.ts";
import { Opcode } from "./opcodes.ts";
import { MAX_HEADER } from "./sizes.ts";
import { encodeUtf8 } from "./utf8.ts";

/** A message in one unmasked frame, and its payload in that frame. @internal */
export interface SerializedMessage {
  readonly payload: Uint8Array<ArrayBuffer>;
  readonly frame: Uint8Array<ArrayBuffer>;
  /** FIN, RSV bits and opcode. */
  readonly firstByte: number;
}

/**
 * A message for many connections. It is encoded once, with the header that a server sends, and compressed once for each
 * set of parameters. A client still masks each copy (RFC 6455 §5.3), but encodes the text only once.
 */
export class PreparedMessage {
  /** The payload, not compressed. Every connection that sends the message shares these bytes: do not change them. */
  readonly payload: Uint8Array<ArrayBuffer>;
  /**
   * The whole frame, not compressed and not masked. Every connection that sends the message shares these bytes: do not
   * change them.
   */
  readonly frame: Uint8Array<ArrayBuffer>;
  /** FIN, RSV bits and opcode. @internal */
  readonly firstByte: number;

  /**
   * Serializes a text message from a string, or a binary message from bytes. Bytes are copied, so you may change them
   * afterwards.
   *
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

  /** Whether this is a text message. Otherwise it is binary. */
  get text(): boolean {
    return (this.firstByte & BITS_OPCODE) === Opcode.Text;
  }
}

/** Serializes a frame that is not masked. @internal */
export function serialize(firstByte: number, payload: Uint8Array): SerializedMessage {
  const header = new Uint8Array(MAX_HEADER);
  const headerLength = writeHeader(header, 0, firstByte, payload.length, undefined);
  const frame = new Uint8Array(headerLength + payload.length);
  frame.set(header.subarray(0, headerLength));
  frame.set(payload, headerLength);
  return { payload: frame.subarray(headerLength), frame, firstByte };
}
