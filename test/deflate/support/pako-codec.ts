import { Deflate, Inflate, Z_SYNC_FLUSH, type ZStream } from "pako";
import type { DeflateCodec } from "../../../src/deflate/codec/codec.ts";

class BoundedInflate extends Inflate {
  stream: ZStream | undefined;
  length = 0;
  maxLength = Infinity;

  override onStart(stream: ZStream): void {
    this.stream = stream;
  }

  override onData(chunk: Uint8Array<ArrayBuffer>): void {
    this.length += chunk.length;
    if (this.length > this.maxLength) throw new RangeError("longer than maxLength");
    super.onData(chunk);
  }
}

/** A codec for runtimes without a zlib. */
export const pakoCodec: DeflateCodec = {
  deflate(data, { dictionary, windowBits, level, memLevel, strategy }) {
    const deflate = new Deflate({
      raw: true,
      // Like zlib, it does not support 8. With 9, its matches stay within 250 bytes.
      windowBits: Math.max(9, windowBits),
      level,
      memLevel,
      strategy,
      dictionary,
    });
    const chunks: Uint8Array[] = [];
    deflate.onData = (chunk): void => void chunks.push(chunk);
    deflate.push(data, Z_SYNC_FLUSH);
    return new Uint8Array(Buffer.concat(chunks));
  },
  inflate(data, { dictionary, windowBits, maxLength }) {
    const inflate = new BoundedInflate({ raw: true, windowBits, dictionary });
    inflate.maxLength = maxLength;
    inflate.push(data, true);
    if (inflate.err !== 0) throw new Error(inflate.msg);
    return { data: inflate.result as Uint8Array, bytesRead: data.length - inflate.stream!.avail_in };
  },
};
