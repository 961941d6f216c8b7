import type { Readable } from "node:stream";

/** How much of the body of a refusal is kept, in bytes. */
const MAX_BODY = 65_536;

/** How long a body may take, in milliseconds. It is only an explanation. */
const BODY_TIME = 1000;

/** Reads the body of a refusal until it ends or is cut, exceeds its limits, or the signal aborts. @internal */
export function readBody(stream: Readable, signal: AbortSignal): Promise<Uint8Array> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    let length = 0;
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      stream.off("data", keep);
      stream.pause();
      const body = new Uint8Array(length);
      let at = 0;
      for (const chunk of chunks) {
        body.set(chunk, at);
        at += chunk.length;
      }
      resolve(body);
    };
    const keep = (chunk: Uint8Array) => {
      const kept = chunk.subarray(0, MAX_BODY - length);
      chunks.push(kept);
      length += kept.length;
      if (length === MAX_BODY) done();
    };
    const timer = setTimeout(done, BODY_TIME);
    signal.addEventListener("abort", done);
    stream.on("data", keep);
    // These listeners stay, so that a later cut is not an uncaught error.
    for (const end of ["end", "error", "close"]) stream.on(end, done);
    if (signal.aborted) done();
  });
}
