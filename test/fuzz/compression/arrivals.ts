// Feeds a Protocol compressed messages that are valid, broken, too long or not text, in one chunk, in chunks cut
// anywhere, in slices, with `fragments`, or with zlib. The result must not depend on how they are delivered.

import zlib from "node:zlib";
import {
  encodeFrame,
  type Limits,
  type MessageSink,
  perMessageDeflate,
  Protocol,
  type ProtocolOptions,
  type WebSocketError,
  zlibCodec,
} from "../../../src/index.ts";
import { Random } from "../../support/random.ts";
import { makeData, makeLength } from "../deflate/data.ts";
import { corrupted, makeStream } from "../deflate/grammar.ts";
import { withoutTail } from "../deflate/oracle.ts";

const RSV1 = 4;
const WRONG_TEXT = ["80", "c0af", "eda080", "f4908080", "ff", "c3", "e282", "f09f98"];
const CHARACTERS = ["a", "é", "漢", "😀", "\ufeff", "\u0000", "xyz".repeat(20)];

class Log implements MessageSink {
  readonly messages: string[] = [];
  failure: WebSocketError | undefined;
  /** The pieces received so far of a message that is delivered in pieces. */
  pieces: Buffer[] = [];
  #kind = "";

  text(data: string): void {
    this.messages.push(`text ${Buffer.from(data).toString("hex")}`);
  }
  binary(data: Uint8Array): void {
    this.messages.push(`binary ${Buffer.from(data).toString("hex")}`);
  }
  start(kind: string): void {
    this.#kind = kind;
    this.pieces = [];
  }
  piece(data: string | Uint8Array): void {
    this.pieces.push(Buffer.from(data as string));
  }
  end(): void {
    this.messages.push(`${this.#kind} ${Buffer.concat(this.pieces).toString("hex")}`);
    this.pieces = [];
  }
  ping(): void {}
  pong(): void {}
  error(error: WebSocketError): void {
    this.failure = error;
  }
  close(): void {}
}

function makeText(random: Random): Uint8Array {
  const parts: Uint8Array[] = [];
  for (let count = random.integer(0, random.pick([3, 20, 300])); count > 0; count--) {
    parts.push(
      random.chance(0.01)
        ? Buffer.from(random.pick(WRONG_TEXT), "hex")
        : Buffer.from(random.pick(CHARACTERS).repeat(random.chance(0.005) ? random.integer(1, 3000) : 1)),
    );
  }
  return Buffer.concat(parts);
}

/** A connection's messages as frames. @param all receives the messages in order */
function makeFrames(random: Random): Buffer {
  const frames: Uint8Array[] = [];
  let before: Uint8Array = new Uint8Array(0);
  for (let messages = random.integer(1, 5); messages > 0; messages--) {
    const text = random.chance(0.5);
    const data = text ? makeText(random) : makeData(random, makeLength(random, 100_000));
    const compressed = random.chance(0.9);
    let payload = data;
    if (compressed) {
      const dictionary = before.subarray(-32_768);
      const settings = {
        level: random.integer(0, 9),
        finishFlush: random.chance(0.1) ? zlib.constants.Z_FINISH : zlib.constants.Z_SYNC_FLUSH,
        ...(dictionary.length > 0 && { dictionary }),
      };
      payload = withoutTail(zlib.deflateRawSync(data, settings));
      before = Buffer.concat([before, data]).subarray(-32_768);
      if (random.chance(0.15)) payload = corrupted(random, payload);
      else if (random.chance(0.05)) payload = makeStream(random, { history: before.length, reach: 32_768 });
    }
    const count = random.chance(0.6) ? 1 : random.integer(2, 6);
    for (let i = 0, at = 0; i < count; i++) {
      const last = i === count - 1;
      const end = last ? payload.length : random.integer(at, payload.length);
      const opcode = i > 0 ? 0 : text ? 1 : 2;
      const rsv = compressed && i === 0 ? RSV1 : 0;
      frames.push(encodeFrame({ opcode, fin: last, rsv, payload: payload.slice(at, end) }, { role: "server" }));
      if (random.chance(0.1)) frames.push(encodeFrame({ opcode: 9, payload: new Uint8Array(3) }, { role: "server" }));
      at = end;
    }
  }
  return Buffer.concat(frames);
}

interface Way {
  readonly options: Partial<ProtocolOptions>;
  readonly codec?: ReturnType<typeof zlibCodec>;
  readonly cuts: boolean;
}

function arrive(random: Random, stream: Uint8Array, limits: Limits, ratio: number, { options, codec, cuts }: Way): Log {
  const extension = perMessageDeflate({ maxInflateRatio: ratio, ...(codec && { codec }) });
  const protocol = new Protocol({ role: "client", extensions: [extension], limits, ...options });
  const log = new Log();
  // Long streams are not cut at each byte.
  const largest = Math.max(random.pick([1, 20, 1000, 30_000]), stream.length / 500);
  for (let at = 0; at < stream.length;) {
    const end = cuts ? Math.min(stream.length, at + random.integer(1, Math.ceil(largest))) : stream.length;
    const chunk = new Uint8Array(stream.subarray(at, end));
    protocol.push(chunk, log);
    chunk.fill(0xaa);
    at = end;
    if (random.chance(0.3)) while (protocol.unfinished) protocol.resume(log);
  }
  while (protocol.unfinished) protocol.resume(log);
  return log;
}

function compare(name: string, log: Log, expected: Log, sameError: boolean): void {
  const at = expected.messages.findIndex((message, i) => message !== log.messages[i]);
  const [theirs, ours] = [expected.failure, log.failure];
  if (at >= 0 || log.messages.length !== expected.messages.length) {
    throw new Error(
      `${name}: message ${at} of ${expected.messages.length}, ${log.messages.length} received, ${theirs?.code} and ${ours?.code}`,
    );
  }
  if ((theirs === undefined) !== (ours === undefined)) throw new Error(`${name}: ${theirs?.code} and ${ours?.code}`);
  if (!sameError || theirs === undefined || ours === undefined) return;
  const facts = ({ code, closeCode, byteOffset, message }: WebSocketError): string =>
    `${code} ${closeCode} ${byteOffset} ${message}`;
  if (facts(theirs) !== facts(ours)) throw new Error(`${name}: ${facts(theirs)}, and ${facts(ours)}`);
}

/** Runs the connection of a seed in all ways. @returns the code of its error, if any @throws Error with the difference */
export function runArrival(seed: number): string | undefined {
  const random = new Random(seed);
  const stream = makeFrames(random);
  const maxMessage = random.chance(0.7) ? 1_000_000 : random.pick([0, 1, 10, 500, 5000, 40_000]);
  const ratio = random.chance(0.8) ? Infinity : random.pick([1, 2, 10, 100]);
  const limits = { maxMessage };
  const expected = arrive(random, stream, limits, ratio, { options: {}, cuts: false });
  const sliceSize = random.pick([1, 100, 3000, 40_000]);
  const ways: Record<string, Way> = {
    cut: { options: {}, cuts: true },
    "portable, cut": { options: { core: "portable" }, cuts: true },
    "in slices": { options: { sliceSize }, cuts: random.chance(0.5) },
    "in pieces": { options: { fragments: true }, cuts: true },
    "in pieces and slices": { options: { fragments: true, sliceSize }, cuts: random.chance(0.5) },
    zlib: { options: {}, codec: zlibCodec(zlib), cuts: random.chance(0.5) },
  };
  for (const [name, way] of Object.entries(ways)) {
    // For a message in several frames, the core checks the ratio at each frame and a codec checks it at the end.
    if (way.codec !== undefined && expected.failure?.code === "WS_ERR_INFLATE_RATIO") continue;
    compare(name, arrive(random, stream, limits, ratio, way), expected, way.codec === undefined);
  }
  return expected.failure?.code;
}
