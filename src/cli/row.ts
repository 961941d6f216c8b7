/** A frame to show. */
export interface FrameRow {
  /** Where its header starts, in bytes from the start of the frames. */
  readonly offset: number;
  /** Where its payload starts, in bytes from the start of the frames. */
  readonly payloadOffset: number;
  readonly opcode: number;
  readonly fin: boolean;
  /** RSV bits from 0 to 7: RSV1 is 4. */
  readonly rsv: number;
  readonly maskKey: Uint8Array | undefined;
  /** Length of the payload in bytes, from the header. */
  readonly payloadLength: number;
  /** The opcode of its message: its own, or that of the first frame if this is a continuation. */
  readonly messageOpcode: number;
  /** Whether its message is compressed (RSV1 is set in the first frame). */
  readonly compressed: boolean;
  /** How many valid payload bytes have been decoded. */
  received: number;
  /** The first of these bytes, unmasked. */
  preview: Uint8Array;
}
