import { FrameEncoder, type FrameEncoderOptions, type FrameInit } from "../index.ts";
import { readMark, type StreamMarks } from "./marks.ts";
import { Outlet } from "./outlet.ts";
import { dataSize } from "./sizes.ts";

/** Options of FrameEncoderStream. */
export interface FrameEncoderStreamOptions extends FrameEncoderOptions, StreamMarks {}

/**
 * Frames in, bytes out (RFC 6455 §5.2): FrameEncoder as a pair for `pipeThrough()`. A string is a whole text message, bytes
 * are a whole binary message; anything else is a frame, which a decoded Frame is too.
 *
 * Both queues are measured in bytes. Frames are serialized when the readable is read: small ones that wait by then leave in
 * one chunk. Payloads are borrowed until they have been written by whoever reads: do not change them.
 *
 * What cannot be encoded errors the writable with the TypeError or RangeError of FrameEncoder, and the readable with the same
 * when what was before it has been read. Closing, aborting and cancelling go through.
 */
export class FrameEncoderStream {
  /** The bytes. */
  readonly readable: ReadableStream<Uint8Array>;
  /** Where the frames go. */
  readonly writable: WritableStream<FrameInit | string | Uint8Array>;

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
    const outlet = new Outlet<Uint8Array>({
      size: (part) => part.length,
      // What waits, waits in the encoder, where it is put together.
      highWaterMark: 0,
      pulled: () => {
        if (outlet.wanted) flush();
      },
      cancelled: (reason) => controller.error(reason),
    });
    this.readable = outlet.readable;
    this.writable = new WritableStream<FrameInit | string | Uint8Array>(
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
      { size: frameSize, highWaterMark: readMark(options.writableHighWaterMark, 1) },
    );
  }
}

function isData(frame: FrameInit | string | Uint8Array): frame is string | Uint8Array {
  return typeof frame === "string" || ArrayBuffer.isView(frame);
}

function encode(encoder: FrameEncoder, frame: FrameInit | string | Uint8Array): void {
  if (typeof frame === "string") encoder.text(frame);
  else if (isData(frame)) encoder.binary(frame);
  else encoder.frame(frame);
}

/** Of what need not be a frame: the encoder says so when it gets it. */
function frameSize(frame: FrameInit | string | Uint8Array): number {
  return dataSize(isData(frame) ? frame : (frame?.payload ?? ""));
}
