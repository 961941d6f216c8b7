/** What is kept of a frame that is shown. */
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
  /** Length of the payload in bytes, as the header says. */
  readonly payloadLength: number;
  /** The opcode of the message that this is a part of: its own, or for a continuation that of the first frame. */
  readonly messageOpcode: number;
  /** Whether the message, of which this is a part, has RSV1 set: it is compressed. */
  readonly compressed: boolean;
  /** How many bytes of the payload have arrived, and are right. */
  received: number;
  /** The first of them, unmasked. */
  preview: Uint8Array;
}
