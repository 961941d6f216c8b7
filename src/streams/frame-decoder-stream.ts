import { isBytes } from "../frame/bytes.ts";
import { type Bytes, type Frame, FrameDecoder, type FrameDecoderOptions, WebSocketError } from "../index.ts";
import { readMark, type StreamMarks } from "./marks.ts";
import { Outlet } from "./outlet.ts";

/** Options of FrameDecoderStream. */
export interface FrameDecoderStreamOptions extends FrameDecoderOptions, StreamMarks {}

/**
 * Bytes in, frames out (RFC 6455 §5): FrameDecoder as a pair for `pipeThrough()`.
 *
 * Both queues are measured in bytes, a frame with its header. A chunk is decoded when fewer bytes of frames than the mark
 * wait to be read, so at most those of one chunk come on top (and what earlier chunks had of a frame that it completes).
 *
 * A chunk is handed over when it is written: payloads are views on it, which is unmasked in place, unless the option `copy`
 * is set.
 *
 * When the stream is wrong, the writable fails at once with the WebSocketError, and the readable with the same error when
 * the frames before it have been read. Closing the writable closes the readable; a frame that is not complete then is not
 * delivered. Aborting and cancelling go through, with their reason.
 */
export class FrameDecoderStream {
  /** The frames. */
  readonly readable: ReadableStream<Frame>;
  /** Where the bytes go. */
  readonly writable: WritableStream<Bytes>;

  /**
   * @throws TypeError and RangeError as FrameDecoder
   * @throws RangeError for a mark out of range
   */
  constructor(options: FrameDecoderStreamOptions) {
    const decoder = new FrameDecoder(options);
    let controller!: WritableStreamDefaultController;
    const outlet = new Outlet<Frame>({
      size: ({ headerLength, payloadLength }) => headerLength + payloadLength,
      highWaterMark: readMark(options.readableHighWaterMark),
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
      { size: byteLength, highWaterMark: readMark(options.writableHighWaterMark, 1) },
    );
  }
}

/** Of what need not be a chunk: the decoder says so when it gets it. */
function byteLength(chunk: Bytes): number {
  return isBytes(chunk) ? chunk.byteLength : 0;
}
