import { BIT_FIN, BITS_OPCODE } from "../../assembly/memory.ts";
import { Opcode } from "./opcodes.ts";
import { assertBytes } from "./options.ts";
import { encodeUtf8 } from "./text.ts";

/** A message in one frame that is not masked, and its payload in it. @internal */
export interface SerializedMessage {
  readonly payload: Uint8Array;
  readonly frame: Uint8Array;
  /** FIN, RSV bits and opcode. */
  readonly firstByte: number;
}

/**
 * A message that goes to many connections: encoded once, with the header that a server sends, and compressed once for
 * each set of parameters. A client masks each copy, as it must (RFC 6455 §5.3), and saves the encoding of the text.
 */
export class PreparedMessage {
  /** The payload in bytes, not compressed. Shared by all who send it: do not write to it. */
  readonly payload: Uint8Array;
  /** The whole frame, not compressed and not masked. Shared by all who send it: do not write to it. */
  readonly frame: Uint8Array;
  /** FIN, RSV bits and opcode. @internal */
  readonly firstByte: number;
  /** What extensions have made of the payload: see ExtensionSession.encodePrepared. @internal */
  readonly encoded: Map<string, Uint8Array> = new Map();
  readonly #variants: Map<Uint8Array, SerializedMessage> = new Map();

  /**
   * A string makes a text message, bytes a binary one. Bytes are copied.
   * @throws TypeError if data is neither a string nor a Uint8Array
   */
  constructor(data: string | Uint8Array) {
    const text = typeof data === "string";
    if (!text) assertBytes(data, "data");
    const firstByte = BIT_FIN | (text ? Opcode.Text : Opcode.Binary);
    const { payload, frame } = serialize(firstByte, text ? encodeUtf8(data) : data);
    this.payload = payload;
    this.frame = frame;
    this.firstByte = firstByte;
  }

  /** Whether it is a text message, and not a binary one. */
  get text(): boolean {
    return (this.firstByte & BITS_OPCODE) === Opcode.Text;
  }

  /** The message as an extension has encoded it, with its RSV bits. Made once for the same bytes. @internal */
  encodedAs(payload: Uint8Array, rsv: number): SerializedMessage {
    let variant = this.#variants.get(payload);
    if (variant === undefined) {
      variant = serialize(this.firstByte | (rsv << 4), payload);
      this.#variants.set(payload, variant);
    }
    return variant;
  }
}

function serialize(firstByte: number, payload: Uint8Array): SerializedMessage {
  const { length } = payload;
  const headerLength = length < 126 ? 2 : length < 65536 ? 4 : 10;
  const frame = new Uint8Array(headerLength + length);
  frame.set(payload, headerLength);
  const view = new DataView(frame.buffer);
  view.setUint8(0, firstByte);
  if (headerLength === 2) {
    view.setUint8(1, length);
  } else if (headerLength === 4) {
    view.setUint8(1, 126);
    view.setUint16(2, length);
  } else {
    view.setUint8(1, 127);
    view.setBigUint64(2, BigInt(length));
  }
  return { payload: frame.subarray(headerLength), frame, firstByte };
}
