import { Collector } from "./collector.ts";
import { Frame } from "./frame.ts";
import { FrameSource } from "./source.ts";

/**
 * A frame whose payload is incomplete.
 * @internal
 */
export class PartialFrame extends Collector {
  /** As STATE_FRAME in assembly/memory.ts. */
  readonly flags: number;
  /** The masking-key as the core's number, or 0. */
  readonly key: number;
  readonly payloadLength: number;
  /** Offset of the payload in the stream. */
  readonly payloadOffset: number;
  /** The payload goes to a sink and is not collected. */
  readonly streaming: boolean;
  /** As STATE_KEY, STATE_CLOSE and STATE_REMAINING in assembly/memory.ts. */
  rotatedKey = 0;
  close = 0;
  remaining = 0;
  /** The payload's place, if all of it is in one chunk. Then nothing is collected. */
  place: Uint8Array<ArrayBuffer> | undefined = undefined;

  constructor(
    flags: number,
    key: number,
    payloadLength: number,
    payloadOffset: number,
    streaming: boolean,
    allocate: (length: number) => Uint8Array<ArrayBuffer>,
  ) {
    super(allocate);
    this.flags = flags;
    this.key = key;
    this.payloadLength = payloadLength;
    this.payloadOffset = payloadOffset;
    this.streaming = streaming;
  }

  /** Converts this to a frame when it is complete. The frame takes over the buffer. */
  toFrame(): Frame {
    return new Frame(
      new FrameSource(this.place ?? this.bytes, 0, this.payloadOffset, this.key),
      this.flags,
      0,
      this.payloadLength,
    );
  }
}
