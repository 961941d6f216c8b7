// Receives permessage-deflate (RFC 7692 §7.2.2) with node:zlib, one message at a time. For each new byte, it inflates
// the whole message again. It shares no code with src/.

import { constants, inflateRawSync } from "node:zlib";

/** The negotiated parameters of the sender in one direction (§7.1). */
export interface ReferenceSide {
  /** The window has 2 to the power of this many bytes. */
  bits: number;
  /** Whether matches may reach back into earlier messages. */
  takeover: boolean;
}

export interface Inflation {
  data: Buffer;
  /** The reason why nothing can follow. For a corrupt message, `data` may be incomplete. */
  fault?: "corrupt" | "final blocks" | undefined;
  /** Whether the next block may be the final block that exceeds the limit, which zlib reports only at its end. */
  mayBeTooMany?: boolean;
}

/**
 * §7.2.1: the bytes that a sender removes, and an empty final block, from which zlib sees that a stream is complete.
 */
const TAIL = Buffer.from([0x00, 0x00, 0xff, 0xff]);
const END = Buffer.from([0x01, 0x00, 0x00, 0xff, 0xff]);
const NOTHING = Buffer.alloc(0);
/** A choice of wsframe: how many blocks of a message may have BFINAL set (§7.2.3.4). */
const MAX_FINAL_BLOCKS = 64;

export class ReferenceInflater {
  private readonly side: ReferenceSide;
  private history: Buffer = NOTHING;

  constructor(side: ReferenceSide) {
    this.side = side;
  }

  /** Inflates the first bytes of a message as far as possible. */
  sofar(compressed: Uint8Array): Inflation {
    return this.inflate(compressed, compressed.length, constants.Z_SYNC_FLUSH);
  }

  /** Inflates a complete message. */
  whole(compressed: Uint8Array): Inflation {
    return this.inflate(Buffer.concat([compressed, TAIL, END]), compressed.length, constants.Z_FINISH);
  }

  /** Adds a completed message to the window. */
  remember(data: Uint8Array): void {
    if (this.side.takeover) this.history = this.windowOf(this.history, data);
  }

  private windowOf(before: Buffer, data: Uint8Array): Buffer {
    const size = 2 ** this.side.bits;
    if (data.length >= size) return Buffer.from(data.subarray(data.length - size));
    return Buffer.concat([before.subarray(Math.max(0, before.length + data.length - size)), data]);
  }

  /** `length` is the length of the message alone. */
  private inflate(compressed: Uint8Array, length: number, finishFlush: number): Inflation {
    let dictionary = this.history;
    const parts: Buffer[] = [];
    let at = 0;
    let mayBeTooMany = false;
    for (let finals = 0; at < compressed.length; finals++) {
      if (finals > MAX_FINAL_BLOCKS) return { data: Buffer.concat(parts), fault: "final blocks" };
      // A choice: a message may end with a block that has BFINAL set.
      if (at === length && at > 0) break;
      mayBeTooMany = finals === MAX_FINAL_BLOCKS;
      try {
        const { buffer, engine } = inflateRawSync(at === 0 ? compressed : compressed.subarray(at), {
          ...(dictionary.length > 0 && { dictionary }),
          windowBits: this.side.bits,
          finishFlush,
          info: true,
        }) as unknown as { buffer: Buffer; engine: { bytesWritten: number } };
        parts.push(buffer);
        at += engine.bytesWritten;
        // A block with BFINAL set ends a zlib stream, but not a message.
        if (at < compressed.length) dictionary = this.windowOf(dictionary, buffer);
      } catch {
        return { data: Buffer.concat(parts), fault: "corrupt" };
      }
    }
    return { data: parts.length === 1 ? parts[0]! : Buffer.concat(parts), mayBeTooMany };
  }
}
