// permessage-deflate for runtimes without zlib, such as browsers and workers. The codec can use any DEFLATE library.
// node examples/deflate-pako.mjs

import { Deflate, Inflate, Z_SYNC_FLUSH } from "pako";
import { perMessageDeflate, Protocol } from "wsframe";

/** Stops as soon as the output gets too long. */
class BoundedInflate extends Inflate {
  left = Infinity;

  onStart(stream) {
    this.stream = stream;
  }

  onData(chunk) {
    this.left -= chunk.length;
    if (this.left < 0) throw new RangeError("longer than maxLength");
    super.onData(chunk);
  }
}

/** A DeflateCodec of wsframe. */
export const pakoCodec = {
  deflate(data, { windowBits, ...settings }) {
    // zlib cannot deflate with 8 bits. With 9 bits, its matches reach back at most 250 bytes, which fits into 8.
    const deflate = new Deflate({ ...settings, windowBits: Math.max(9, windowBits), raw: true });
    const chunks = [];
    deflate.onData = (chunk) => chunks.push(chunk);
    deflate.push(data, Z_SYNC_FLUSH);
    return concatenate(chunks);
  },

  inflate(data, { maxLength, ...settings }) {
    const inflate = new BoundedInflate({ ...settings, raw: true });
    inflate.left = maxLength;
    if (!inflate.push(data, true)) throw new Error(inflate.msg);
    return { data: inflate.result, bytesRead: data.length - inflate.stream.avail_in };
  },
};

function concatenate(chunks) {
  const whole = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

if (process.argv[1] === import.meta.filename) {
  const deflate = perMessageDeflate({ codec: pakoCodec });
  const client = new Protocol({ role: "client", extensions: [deflate] });
  const server = new Protocol({ role: "server", extensions: [deflate] });
  for (let second = 0; second < 3; second++) {
    const readings = Array.from({ length: 30 }, (_, i) => ({ sensor: `sensor-${i}`, value: (second + i * 7) % 100 }));
    client.send(JSON.stringify({ second, readings }));
    for (const bytes of client.take()) {
      for (const event of server.receive(bytes)) {
        if (event.type !== "text") continue;
        console.log(event.type, event.data.length, "characters in", bytes.length, "bytes");
      }
    }
  }
}
