import { isBytes } from "../frame/bytes.ts";
import { type Bytes, FrameEncoder, type FrameEncoderOptions, type FrameInit, PreparedMessage } from "../index.ts";
import { dataSize, readMark, type StreamMarks } from "./marks.ts";
import { Outlet } from "./outlet.ts";

/** Options of FrameEncoderStream. */
export interface FrameEncoderStreamOptions extends FrameEncoderOptions, StreamMarks {}

/**
 * Frames in, bytes out (RFC 6455 §5.2): FrameEncoder as a pair for `pipeThrough()`. A string is a whole text message, bytes
 * are a whole binary message, and a PreparedMessage is either; anything else is a frame, which a decoded Frame is too.
 *
 * Both queues are measured in bytes. Frames are serialized when the readable is read: small ones that wait at that time leave
 * in one chunk. Payloads are borrowed until the reader has written the chunks: do not change them before.
 *
 * What cannot be encoded errors the writable with the TypeError or RangeError of FrameEncoder, and the readable with the same
 * when what was before it has been read. Closing, aborting and cancelling go through.
 */
export class FrameEncoderStream {
  /** The bytes. */
  readonly readable: ReadableStream<Uint8Array<ArrayBuffer>>;
  /** Where the frames go. */
  readonly writable: WritableStream<FrameInit | string | Bytes | PreparedMessage>;

  /**
   * @throws TypeError as FrameEncoder
   * @throws RangeError for a mark out of range
   */
  constructor(options: FrameEncoderStreamOptions) {
    const encoder = new FrameEncoder(options);
    const mark = readMark(options.readableHighWaterMark);
    let controller!: WritableStreamDefaultController;
    const flush = (): void => {
      for (const part of encoder.take()) outlet.enqueue(part);
    };
    const outlet = new Outlet<Uint8Array<ArrayBuffer>>({
      size: (part) => part.length,
      // What waits, waits in the encoder, where it is put together.
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
      { size: sizeOf, highWaterMark: readMark(options.writableHighWaterMark, 1) },
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

/** Of what need not be a frame: the encoder says so when it gets it. */
function sizeOf(chunk: Writable): number {
  const isFrame = typeof chunk === "object" && !(chunk instanceof PreparedMessage) && !isBytes(chunk);
  return dataSize(isFrame ? (chunk?.payload ?? "") : chunk);
}
