import { isBytes } from "../frame/bytes.ts";
import { type Bytes, type Frame, FrameDecoder, type FrameDecoderOptions, WebSocketError } from "../index.ts";
import { checkDecoderNames } from "./known-options.ts";
import { readMark, type StreamMarks } from "./marks.ts";
import { Outlet } from "./outlet.ts";

/** Options of FrameDecoderStream. */
export interface FrameDecoderStreamOptions extends FrameDecoderOptions, StreamMarks {}

/**
 * Decodes bytes to frames (RFC 6455 §5): FrameDecoder as a pair for `pipeThrough()`.
 *
 * Both queues are measured in bytes, and a frame counts with its header. A chunk is decoded when fewer bytes than
 * `readableHighWaterMark` wait to be read. The queue can therefore exceed the mark by the frames of one chunk (and by
 * the earlier parts of a frame that it completes).
 *
 * A chunk belongs to the stream once it is written. It is unmasked in place, and payloads are views of it, unless the
 * option `copy` is set.
 *
 * If the bytes are invalid, the writable fails at once with the WebSocketError, and the readable fails with the same
 * error after the frames before it. Closing the writable closes the readable, and an incomplete frame is not delivered.
 * Aborting and cancelling pass through, with their reason.
 */
export class FrameDecoderStream {
  /** The frames. Their payloads are views of the written chunks, unless `copy` is set. */
  readonly readable: ReadableStream<Frame>;
  /** Accepts the bytes, in chunks of any size. */
  readonly writable: WritableStream<Bytes>;

  /**
   * @throws TypeError and RangeError as FrameDecoder does
   * @throws RangeError for a high-water mark out of range
   */
  constructor(options: FrameDecoderStreamOptions) {
    checkDecoderNames(options);
    const { readableHighWaterMark: _readable, writableHighWaterMark: _writable, ...own } = options;
    const decoder = new FrameDecoder(own);
    let controller!: WritableStreamDefaultController;
    const outlet = new Outlet<Frame>({
      size: ({ headerLength, payloadLength }) => headerLength + payloadLength,
      highWaterMark: readMark(options, "readableHighWaterMark"),
      cancelled: (reason) => controller.error(reason),
    });
    this.readable = outlet.readable;
    this.writable = new WritableStream<Bytes>(
      {
        start(started) {
          controller = started;
          // abort() of the sink is not called while a write waits.
          started.signal?.addEventListener("abort", () => outlet.abort(started.signal.reason));
        },
        async write(chunk) {
          await outlet.ready();
          if (outlet.ended) return;
          try {
            for (const frame of decoder.decode(chunk)) outlet.enqueue(frame);
          } catch (error) {
            if (error instanceof WebSocketError) for (const frame of error.frames) outlet.enqueue(frame);
            outlet.fail(error);
            throw error;
          }
        },
        close: () => outlet.close(),
        abort: (reason) => outlet.abort(reason),
      },
      { size: byteLength, highWaterMark: readMark(options, "writableHighWaterMark") },
    );
  }
}

/** 0 for a chunk that is not bytes: the decoder throws when it gets it. */
function byteLength(chunk: Bytes): number {
  return isBytes(chunk) ? chunk.byteLength : 0;
}
