// Counts the frames and messages in a stream, in constant memory: node examples/statistics.mjs < client.bin
// The input is what a client has sent, without the HTTP head. Frames can have any size.

import { FrameDecoder } from "wsframe";

const totals = { frames: 0, strings: 0, characters: 0, payloadBytes: 0 };
const decoder = new FrameDecoder({ role: "server", maxFrame: Infinity });
const sink = {
  header() {
    totals.frames++;
  },
  payload(window, start, end) {
    // window[start, end) is valid only until this returns. Count it, hash it or write it, but copy it to keep it.
    totals.payloadBytes += end - start;
  },
  end() {},
  text(text) {
    // A text message that arrives in one chunk is delivered as a string instead of through the three calls above.
    totals.frames++;
    totals.strings++;
    totals.characters += text.length;
  },
};

try {
  for await (const chunk of process.stdin) decoder.push(chunk, sink);
} catch (error) {
  console.error(error.message); // the frames before the error are counted
  process.exitCode = 1;
}
console.log(totals);
