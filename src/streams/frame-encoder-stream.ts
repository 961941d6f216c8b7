import { isBytes } from "../frame/bytes.ts";
import { type Bytes, FrameEncoder, type FrameEncoderOptions, type FrameInit, PreparedMessage } from "../index.ts";
import { checkEncoderNames } from "./known-options.ts";
import { dataSize, readMark, type StreamMarks } from "./marks.ts";
import { Outlet } from "./outlet.ts";

/** Options of FrameEncoderStream. */
export interface FrameEncoderStreamOptions extends FrameEncoderOptions, StreamMarks {}

/**
 * Encodes frames to bytes (RFC 6455 §5.2): FrameEncoder as a pair for `pipeThrough()`. A string is a whole text
 * message, bytes are a whole binary message, and a PreparedMessage is either. Anything else is a frame, including a
 * decoded Frame.
 *
 * Both queues are measured in bytes. Frames are serialized when the readable is read, and small ones that wait then
 * leave in one chunk. Payloads are borrowed: do not change them until the reader has written the chunks.
 *
 * If a frame cannot be encoded, the writable fails with the TypeError or RangeError of FrameEncoder, and the readable
 * fails with the same error after the frames before it. Closing, aborting and cancelling pass through.
 */
export class FrameEncoderStream {
  /** The bytes. A chunk may share memory with a payload that was written. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Accepts frames and messages. Their bytes are borrowed. */
  readonly writable: WritableStream<FrameInit | string | Bytes | PreparedMessage>;

  /**
   * @throws TypeError as FrameEncoder does, or for an unknown option
   * @throws RangeError for a high-water mark out of range
   */
  constructor(options: FrameEncoderStreamOptions) {
    checkEncoderNames(options);
    const encoder = new FrameEncoder(options);
    const mark = readMark(options, "readableHighWaterMark");
    let controller!: WritableStreamDefaultController;
    const flush = (): void => {
      for (const part of encoder.take()) outlet.enqueue(part);
    };
    const outlet = new Outlet<Uint8Array<ArrayBuffer>>({
      size: (part) => part.length,
      // Frames wait in the encoder, which joins them.
      highWaterMark: 0,
      pulled: () => {
        if (outlet.wanted) flush();
      },
      cancelled: (reason) => controller.error(reason),
    });
    this.readable = outlet.readable;
    this.writable = new WritableStream<FrameInit | string | Bytes | PreparedMessage>(
      {
        start(started) {
          controller = started;
          started.signal?.addEventListener("abort", () => outlet.abort(started.signal.reason));
        },
        async write(frame) {
          while (!outlet.ended && !outlet.wanted && encoder.queuedBytes + outlet.queuedBytes >= mark) {
            await outlet.pulled();
          }
          if (outlet.ended) return;
          try {
            encode(encoder, frame);
          } catch (error) {
            flush();
            outlet.fail(error);
            throw error;
          }
          if (outlet.wanted) flush();
        },
        close() {
          flush();
          outlet.close();
        },
        abort: (reason) => outlet.abort(reason),
      },
      { size: sizeOf, highWaterMark: readMark(options, "writableHighWaterMark") },
    );
  }
}

type Writable = FrameInit | string | Bytes | PreparedMessage;

function encode(encoder: FrameEncoder, chunk: Writable): void {
  if (typeof chunk === "string") encoder.text(chunk);
  else if (chunk instanceof PreparedMessage) encoder.prepared(chunk);
  else if (isBytes(chunk)) encoder.binary(chunk);
  else encoder.frame(chunk);
}

/** 0 for a value that is not a frame: the encoder throws when it gets it. */
function sizeOf(chunk: Writable): number {
  const isFrame = typeof chunk === "object" && !(chunk instanceof PreparedMessage) && !isBytes(chunk);
  return dataSize(isFrame ? (chunk?.payload ?? "") : chunk);
}
