// What passes through a stream, counted without holding any of it: node examples/statistics.mjs < client.bin
// The bytes are those of a client, without the HTTP head. Frames of any size pass in constant memory.

import { FrameDecoder } from "wsframe";

const totals = { frames: 0, strings: 0, characters: 0, payloadBytes: 0 };
const decoder = new FrameDecoder({ role: "server", maxFrame: Infinity });
const sink = {
  header() {
    totals.frames++;
  },
  payload(window, start, end) {
    // window[start, end) is lent until this returns: count it, hash it, write it, but do not keep it.
    totals.payloadBytes += end - start;
  },
  end() {},
  text(text) {
    // Text messages that arrived whole come as strings, in place of the three calls above.
    totals.frames++;
    totals.strings++;
    totals.characters += text.length;
  },
};

try {
  for await (const chunk of process.stdin) decoder.push(chunk, sink);
} catch (error) {
  console.error(error.message); // what came before counts
  process.exitCode = 1;
}
console.log(totals);
