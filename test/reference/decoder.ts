// A decoder of WebSocket frames written directly from RFC 6455, one byte at a time. Tests compare the real decoders
// with it. It shares no code with src/ or assembly/ and is as simple as possible.

export interface ReferenceOptions {
  server: boolean;
  maxFrame?: number;
  rsv?: number;
  allowUnmasked?: boolean;
  allowMasked?: boolean;
  allowNonMinimalLength?: boolean;
  allowInvalidClose?: boolean;
  allowInvalidUtf8?: boolean;
}

export interface ReferenceFrame {
  fin: boolean;
  rsv: number;
  opcode: number;
  maskKey: number[] | undefined;
  payloadLength: number;
  headerOffset: number;
  payloadOffset: number;
  payload: number[];
}

export interface ReferenceError {
  code: string;
  byteOffset: number;
}

/** The rules of RFC 6455 that a stream can break, and the limits of this decoder. */
export type Rule =
  | "rsv"
  | "rsv-misplaced"
  | "continuation-of-none"
  | "message-in-message"
  | "reserved-opcode"
  | "control-fin"
  | "control-length-bits"
  | "control-length"
  | "close-length"
  | "mask-missing"
  | "mask-present"
  | "length-top-bit"
  | "length-minimal"
  | "length-unsafe"
  | "length-limit"
  | "close-code"
  | "close-utf8"
  | "utf8"
  | "utf8-surrogate";

/** The points in a frame at which a decoder may check what it has received. */
export type Stage = "byte" | "two bytes" | "length" | "payload" | "frame" | "text" | "message";

class Failure extends Error {
  readonly byteOffset: number;

  constructor(code: string, byteOffset: number) {
    super(code);
    this.byteOffset = byteOffset;
  }
}

/** RFC 3629 as arithmetic: whether a character begins with these bytes. */
class Utf8 {
  private prefix = 0;
  private left = 0;
  private least = 0;

  get incomplete(): boolean {
    return this.left > 0;
  }

  /** Whether the bytes, including the refused one, begin a surrogate. */
  get surrogate(): boolean {
    return this.prefix >= 0xd800 >> 6 && this.prefix <= 0xdfff >> 6 && this.left === 1 && this.least === 0x800;
  }

  /** Returns false if no character continues with this byte. */
  add(byte: number): boolean {
    if (this.left === 0) {
      if (byte < 0b1000_0000) return true;
      if (byte >> 5 === 0b110) [this.prefix, this.left, this.least] = [byte & 0b1_1111, 1, 0x80];
      else if (byte >> 4 === 0b1110) [this.prefix, this.left, this.least] = [byte & 0b1111, 2, 0x800];
      else if (byte >> 3 === 0b1_1110) [this.prefix, this.left, this.least] = [byte & 0b111, 3, 0x10000];
      else return false;
    } else {
      if (byte >> 6 !== 0b10) return false;
      this.prefix = (this.prefix << 6) | (byte & 0b11_1111);
      this.left--;
    }
    const lowest = this.prefix << (6 * this.left);
    const highest = lowest + (1 << (6 * this.left)) - 1;
    return highest >= this.least && lowest <= 0x10ffff && !(lowest >= 0xd800 && highest <= 0xdfff);
  }
}

export class ReferenceDecoder {
  readonly frames: ReferenceFrame[] = [];
  /** The frame that has begun but not ended. */
  current: ReferenceFrame | undefined;
  error: ReferenceError | undefined;
  closed = false;
  protected readonly options: ReferenceOptions;
  /** The offset of the current byte. */
  protected offset = 0;
  private header: number[] = [];
  protected messageOpcode: number | undefined;
  private utf8: Utf8 | undefined;
  private closeUtf8: Utf8 | undefined = new Utf8();

  constructor(options: ReferenceOptions) {
    this.options = options;
  }

  push(bytes: Uint8Array): void {
    for (const byte of bytes) {
      if (this.error || this.closed) return;
      try {
        if (this.current) this.payloadByte(byte);
        else this.headerByte(byte);
      } catch (failure) {
        if (!(failure instanceof Failure)) throw failure;
        this.error = { code: failure.message, byteOffset: failure.byteOffset };
        return;
      }
      this.offset++;
    }
  }

  /** Reports a broken rule. Subclasses that model laxer decoders continue, or fail later. */
  protected broken(_rule: Rule, code: string, byteOffset = this.offset): void {
    throw new Failure(code, byteOffset);
  }

  /**
   * Called when everything up to this stage has been read. "payload" is its first byte, or the end of an empty one;
   * "text" is another byte of a text message. For subclasses that model laxer decoders.
   */
  protected reached(_stage: Stage): void {}

  private headerByte(byte: number): void {
    const { options, header } = this;
    header.push(byte);
    const first = header[0]!;
    const opcode = first & 0x0f;
    const rsv = (first >> 4) & 7;
    const fin = first >= 0x80;
    const control = opcode >= 8;

    if (header.length === 1) {
      const unowned = rsv & ~(options.rsv ?? 0);
      if ((unowned & 3) !== 0) this.broken("rsv", "WS_ERR_UNEXPECTED_RSV_2_3");
      else if ((unowned & 4) !== 0) this.broken("rsv", "WS_ERR_UNEXPECTED_RSV_1");
      const misplaced = rsv & 4 ? "WS_ERR_UNEXPECTED_RSV_1" : "WS_ERR_UNEXPECTED_RSV_2_3";
      if (opcode === 0) {
        if (rsv) this.broken("rsv-misplaced", misplaced);
        if (this.messageOpcode === undefined) this.broken("continuation-of-none", "WS_ERR_INVALID_OPCODE");
      } else if (opcode === 1 || opcode === 2) {
        if (this.messageOpcode !== undefined) this.broken("message-in-message", "WS_ERR_INVALID_OPCODE");
      } else if (opcode === 8 || opcode === 9 || opcode === 10) {
        if (!fin) this.broken("control-fin", "WS_ERR_EXPECTED_FIN");
        if (rsv) this.broken("rsv-misplaced", misplaced);
      } else {
        this.broken("reserved-opcode", "WS_ERR_INVALID_OPCODE");
        if (control && !fin) this.broken("control-fin", "WS_ERR_EXPECTED_FIN");
      }
      return;
    }

    const masked = header[1]! >= 0x80;
    const short = header[1]! & 0x7f;
    if (header.length === 2) {
      if (control) {
        if (short > 125) this.broken("control-length-bits", "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH");
        if (opcode === 8 && short === 1 && !options.allowInvalidClose) {
          this.broken("close-length", "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH");
        }
      }
      if (options.server && !masked && !options.allowUnmasked) this.broken("mask-missing", "WS_ERR_EXPECTED_MASK");
      if (!options.server && masked && !options.allowMasked) this.broken("mask-present", "WS_ERR_UNEXPECTED_MASK");
      this.reached("two bytes");
    }
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (extended === 8 && header.length === 3 && byte >= 0x80) {
      this.broken("length-top-bit", "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH");
    }
    if (header.length < 2 + extended) return;
    let length = BigInt(short);
    if (extended > 0) {
      length = 0n;
      for (const digit of header.slice(2, 2 + extended)) length = length * 256n + BigInt(digit);
    }
    if (header.length === 2 + extended) {
      const least = extended === 2 ? 126n : extended === 8 ? 65536n : 0n;
      if (length < least && !options.allowNonMinimalLength) this.broken("length-minimal", "WS_ERR_NON_MINIMAL_LENGTH");
      if (control && length > 125n) this.broken("control-length", "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH");
      if (length > 2n ** 53n - 1n) this.broken("length-unsafe", "WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH");
      const limit = Math.min(options.maxFrame ?? 100 * 1024 * 1024, Number.MAX_SAFE_INTEGER);
      if (!control && length > BigInt(limit)) this.broken("length-limit", "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH");
      this.reached("length");
    }
    if (header.length < 2 + extended + (masked ? 4 : 0)) return;

    const payloadOffset = this.offset + 1;
    this.current = {
      fin,
      rsv,
      opcode,
      maskKey: masked ? header.slice(-4) : undefined,
      payloadLength: Number(length),
      headerOffset: payloadOffset - header.length,
      payloadOffset,
      payload: [],
    };
    this.header = [];
    if (opcode === 1 || opcode === 2) {
      this.messageOpcode = opcode;
      const isText = opcode === 1 && rsv === 0 && !options.allowInvalidUtf8;
      this.utf8 = isText ? new Utf8() : undefined;
    }
    if (length === 0n) this.reached("payload");
    this.endIfComplete();
  }

  private payloadByte(byte: number): void {
    const frame = this.current!;
    const position = frame.payload.length;
    const plain = frame.maskKey ? byte ^ frame.maskKey[position % 4]! : byte;
    if (frame.opcode === 8) {
      if (!this.options.allowInvalidClose) this.closeByte(frame, position, plain);
    } else if (frame.opcode < 3) {
      if (this.messageOpcode === 1) this.reached("text");
      if (this.utf8 && !this.utf8.add(plain)) {
        this.broken(this.utf8.surrogate ? "utf8-surrogate" : "utf8", "WS_ERR_INVALID_UTF8");
        this.utf8 = undefined;
      }
    }
    frame.payload.push(plain);
    if (position === 0) this.reached("payload");
    this.endIfComplete();
  }

  private closeByte(frame: ReferenceFrame, position: number, byte: number): void {
    if (position === 1) {
      const code = frame.payload[0]! * 256 + byte;
      const valid =
        [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014].includes(code) ||
        (code >= 3000 && code <= 4999);
      if (!valid) this.broken("close-code", "WS_ERR_INVALID_CLOSE_CODE");
    }
    if (position > 1 && this.closeUtf8 && !this.closeUtf8.add(byte)) {
      this.broken("close-utf8", "WS_ERR_INVALID_UTF8");
      this.closeUtf8 = undefined;
    }
  }

  private endIfComplete(): void {
    const frame = this.current!;
    if (frame.payload.length < frame.payloadLength) return;
    // A truncated character is reported at the position of its missing byte.
    if (frame.opcode === 8 && this.closeUtf8?.incomplete) {
      this.broken("close-utf8", "WS_ERR_INVALID_UTF8", this.offset + 1);
    }
    const last = frame.opcode < 3 && frame.fin;
    if (last && this.utf8?.incomplete) this.broken("utf8", "WS_ERR_INVALID_UTF8", this.offset + 1);
    this.reached("frame");
    if (last) this.reached("message");
    this.frames.push(frame);
    this.current = undefined;
    if (frame.opcode === 8) this.closed = true;
    else if (frame.opcode < 8 && frame.fin) {
      this.messageOpcode = undefined;
      this.utf8 = undefined;
    }
  }
}
