// A decoder of WebSocket frames written straight from RFC 6455, one byte at a time, for the tests to hold the
// real ones against. It shares nothing with src/ or assembly/, and is as plain as can be.

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

class Failure extends Error {}

/** RFC 3629 by arithmetic: is there a character that begins with these bytes? */
class Utf8 {
  private prefix = 0;
  private left = 0;
  private least = 0;

  get incomplete(): boolean {
    return this.left > 0;
  }

  /** False if no character goes on with this byte. */
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
  /** The frame that has begun and not ended. */
  current: ReferenceFrame | undefined;
  error: ReferenceError | undefined;
  closed = false;
  private readonly options: ReferenceOptions;
  private offset = 0;
  private header: number[] = [];
  private messageOpcode: number | undefined;
  private utf8: Utf8 | undefined;
  private closeUtf8 = new Utf8();

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
        this.error ??= { code: failure.message, byteOffset: this.offset };
        return;
      }
      this.offset++;
    }
  }

  private headerByte(byte: number): void {
    const { options, header } = this;
    header.push(byte);
    const first = header[0]!;
    const opcode = first & 0x0f;
    const rsv = (first >> 4) & 7;
    const fin = first >= 0x80;
    const control = opcode >= 8;

    if (header.length === 1) {
      const owned = options.rsv ?? 0;
      if ((rsv & 3 & ~owned) !== 0) throw new Failure("WS_ERR_UNEXPECTED_RSV_2_3");
      if ((rsv & 4 & ~owned) !== 0) throw new Failure("WS_ERR_UNEXPECTED_RSV_1");
      const misplaced = rsv & 4 ? "WS_ERR_UNEXPECTED_RSV_1" : "WS_ERR_UNEXPECTED_RSV_2_3";
      if (opcode === 0) {
        if (rsv) throw new Failure(misplaced);
        if (this.messageOpcode === undefined) throw new Failure("WS_ERR_INVALID_OPCODE");
      } else if (opcode === 1 || opcode === 2) {
        if (this.messageOpcode !== undefined) throw new Failure("WS_ERR_INVALID_OPCODE");
      } else if (opcode === 8 || opcode === 9 || opcode === 10) {
        if (!fin) throw new Failure("WS_ERR_EXPECTED_FIN");
        if (rsv) throw new Failure(misplaced);
      } else {
        throw new Failure("WS_ERR_INVALID_OPCODE");
      }
      return;
    }

    const masked = header[1]! >= 0x80;
    const short = header[1]! & 0x7f;
    if (header.length === 2) {
      if (control) {
        if (short > 125) throw new Failure("WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH");
        if (opcode === 8 && short === 1 && !options.allowInvalidClose) {
          throw new Failure("WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH");
        }
      }
      if (options.server && !masked && !options.allowUnmasked) throw new Failure("WS_ERR_EXPECTED_MASK");
      if (!options.server && masked && !options.allowMasked) throw new Failure("WS_ERR_UNEXPECTED_MASK");
    }
    const extended = short === 126 ? 2 : short === 127 ? 8 : 0;
    if (extended === 8 && header.length === 3 && byte >= 0x80) {
      throw new Failure("WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH");
    }
    if (header.length < 2 + extended) return;
    let length = BigInt(short);
    if (extended > 0) {
      length = 0n;
      for (const digit of header.slice(2, 2 + extended)) length = length * 256n + BigInt(digit);
    }
    if (header.length === 2 + extended) {
      const least = extended === 2 ? 126n : extended === 8 ? 65536n : 0n;
      if (length < least && !options.allowNonMinimalLength) throw new Failure("WS_ERR_NON_MINIMAL_LENGTH");
      if (length > 2n ** 53n - 1n) throw new Failure("WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH");
      const limit = Math.min(options.maxFrame ?? 100 * 1024 * 1024, Number.MAX_SAFE_INTEGER);
      if (!control && length > BigInt(limit)) throw new Failure("WS_ERR_UNSUPPORTED_MESSAGE_LENGTH");
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
    this.endIfComplete();
  }

  private payloadByte(byte: number): void {
    const frame = this.current!;
    const position = frame.payload.length;
    const plain = frame.maskKey ? byte ^ frame.maskKey[position % 4]! : byte;
    if (frame.opcode === 8) {
      if (!this.options.allowInvalidClose) this.closeByte(frame, position, plain);
    } else if (frame.opcode < 8 && this.utf8 && !this.utf8.add(plain)) {
      throw new Failure("WS_ERR_INVALID_UTF8");
    }
    frame.payload.push(plain);
    this.endIfComplete();
  }

  private closeByte(frame: ReferenceFrame, position: number, byte: number): void {
    if (position === 1) {
      const code = frame.payload[0]! * 256 + byte;
      const valid =
        [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014].includes(code) ||
        (code >= 3000 && code <= 4999);
      if (!valid) throw new Failure("WS_ERR_INVALID_CLOSE_CODE");
    }
    if (position > 1 && !this.closeUtf8.add(byte)) throw new Failure("WS_ERR_INVALID_UTF8");
  }

  private endIfComplete(): void {
    const frame = this.current!;
    if (frame.payload.length < frame.payloadLength) return;
    const unfinished =
      frame.opcode === 8 ? this.closeUtf8.incomplete : frame.opcode < 8 && frame.fin && this.utf8?.incomplete === true;
    if (unfinished) {
      this.error = { code: "WS_ERR_INVALID_UTF8", byteOffset: this.offset + 1 };
      return;
    }
    this.frames.push(frame);
    this.current = undefined;
    if (frame.opcode === 8) this.closed = true;
    else if (frame.opcode < 8 && frame.fin) {
      this.messageOpcode = undefined;
      this.utf8 = undefined;
    }
  }
}
