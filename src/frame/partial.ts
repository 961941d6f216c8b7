import { Collector } from "./collector.ts";
import { Frame } from "./frame.ts";
import { FrameSource } from "./source.ts";

/**
 * A frame whose payload has not arrived to its end.
 * @internal
 */
export class PartialFrame extends Collector {
  /** As STATE_FRAME in assembly/memory.ts. */
  readonly flags: number;
  /** The masking-key as the core's number; 0 for none. */
  readonly key: number;
  readonly payloadLength: number;
  /** Where in the stream the payload starts. */
  readonly payloadOffset: number;
  /** Passed on through a sink, not collected. */
  readonly streaming: boolean;
  /** As STATE_KEY, STATE_CLOSE and STATE_REMAINING in assembly/memory.ts. */
  rotatedKey = 0;
  close = 0;
  remaining = 0;
  /** Where its payload is, if it is all in one chunk: then nothing is collected. */
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

  /** The frame, now that it is complete. It takes over the buffer, if there is one. */
  toFrame(): Frame {
    return new Frame(
      new FrameSource(this.place ?? this.bytes, 0, this.payloadOffset, this.key),
      this.flags,
      0,
      this.payloadLength,
    );
  }
}
