import { Inflate, type ZStream } from "pako";
import { type DeflateCodec, type Extension, perMessageDeflate } from "wsframe";

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

/** A browser has no zlib that answers at once. */
const codec: DeflateCodec = {
  deflate() {
    throw new Error("A tap only listens: it sends nothing");
  },
  inflate(data, { dictionary, windowBits, maxLength }) {
    const inflate = new BoundedInflate({ raw: true, windowBits, dictionary });
    inflate.maxLength = maxLength;
    inflate.push(data, true);
    if (inflate.err !== 0) throw new Error(inflate.msg);
    return { data: inflate.result as Uint8Array, bytesRead: data.length - inflate.stream!.avail_in };
  },
};

/** permessage-deflate (RFC 7692), to listen with. */
export const DEFLATE: Extension = perMessageDeflate({ codec });
