// Prints the memory of one idle connection in bytes: node --expose-gc memory.js PEER PAIRS
// A connection is a pair of decoder and encoder, or a Protocol. Each has processed one frame and has no data left.

import { frame, Random } from "../data.js";
import { CountingSocket, Receiver, Sender, wsframe } from "../peers.js";

const [, , peer, count] = process.argv;
const pairs = Number(count);
const random = new Random();
const payload = Buffer.from("a text of thirty-two characters.");
let frames = 0;

const sink = {
  header() {},
  payload() {},
  end() {},
  text() {
    frames++;
  },
};
const onMessage = () => {
  frames++;
};
const socket = new CountingSocket();
const text = payload.toString();

const MAKE = {
  wsframe(chunk, i) {
    const decoder = new wsframe.FrameDecoder({ role: "server" });
    const encoder = new wsframe.FrameEncoder({ role: "server" });
    // Use the two in turn, because decoder and encoder are separate objects.
    if (i & 1) decoder.push(chunk, sink);
    else frames += decoder.decode(chunk).length;
    encoder.text(text);
    if (encoder.take().length !== 1) throw new Error("Not encoded");
    return [decoder, encoder];
  },
  protocol(chunk) {
    const protocol = new wsframe.Protocol({ role: "server" });
    frames += protocol.receive(chunk).length;
    protocol.send(text);
    if (protocol.take().length !== 1) throw new Error("Not encoded");
    return [protocol, protocol];
  },
  ws(chunk) {
    const receiver = new Receiver({ isServer: true, maxPayload: 0, allowSynchronousEvents: true });
    receiver.on("message", onMessage);
    receiver.write(chunk);
    const sender = new Sender(socket);
    sender.send(text, { binary: false, mask: false, fin: true, compress: false });
    return [receiver, sender];
  },
};

function used() {
  for (let i = 0; i < 4; i++) globalThis.gc?.();
  const { heapUsed, external, arrayBuffers } = process.memoryUsage();
  // `external` may already include array buffers.
  return heapUsed + Math.max(external, arrayBuffers);
}

const make = MAKE[peer];
const first = Array.from({ length: pairs * 2 }, () => undefined);
// Creates everything that is shared first, so that it is not counted.
for (let i = 0; i < 200; i++) make(frame(1, payload, random.bytes(4)), i);
const kept = first.fill(undefined);
frames = 0;
const before = used();
for (let i = 0; i < pairs; i++) {
  const [decoder, encoder] = make(frame(1, payload, random.bytes(4)), i);
  kept[2 * i] = decoder;
  kept[2 * i + 1] = encoder;
}
// ws does some of its work in the next tick.
await new Promise((resolve) => setImmediate(resolve));
const after = used();
if (frames !== pairs || kept.length !== pairs * 2) throw new Error(`${frames} frames instead of ${pairs}`);
console.log(String((after - before) / pairs));
