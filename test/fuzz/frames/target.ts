// The target "frames", which fuzzes FrameDecoder and FrameEncoder.

import type { Random } from "../../support/random.ts";
import type { TargetSettings } from "../settings.ts";
import { shrinkBytes, shrinkList, shrinkNumber, shrinkOptions } from "../shrink.ts";
import type { Target } from "../target.ts";
import { runBulk, WAYS } from "./bulk.ts";
import type { BulkCase, FramesCase, StreamCase } from "./case.ts";
import { compareStream } from "./differential.ts";
import { compareEncoding, makeEncodingCase } from "./encoding.ts";
import { makeSplicedCase } from "./spliced.ts";
import { makeStreamCase } from "./streams.ts";

/** The number of frames in a bulk case. */
const BULK = 4000;
/** The fraction of cases in a bulk run that are of another kind. */
const RARELY = 1 / 400;

export function framesTarget({ bulk }: TargetSettings): Target<FramesCase> {
  return {
    name: "frames",
    unit: "frames",
    generate(random: Random): FramesCase {
      return random.chance(bulk ? 1 - RARELY : 0.1) ? makeBulkCase(random) : makeOther(random);
    },
    mutate: (one, random) => (one.kind === "stream" ? changed(one, random) : makeOther(random)),
    run(one) {
      if (one.kind === "bulk") return runBulk(one);
      if (one.kind === "encoding") return { units: one.count, finding: compareEncoding(one) };
      const { frames, finding } = compareStream(one);
      return { units: frames, finding };
    },
    async shrink(one, fails) {
      if (one.kind === "bulk") {
        return { ...one, frames: await shrinkNumber(one.frames, (frames) => fails({ ...one, frames })) };
      }
      return one.kind === "encoding"
        ? { ...one, count: await shrinkNumber(one.count, (count) => fails({ ...one, count })) }
        : shrinkStream(one, fails);
    },
  };
}

function makeBulkCase(random: Random): BulkCase {
  const core = random.chance(0.1) ? "portable" : "wasm";
  return { kind: "bulk", seed: random.integer(0, 0x7fff_ffff), frames: BULK, way: random.pick(WAYS), core };
}

function makeOther(random: Random): FramesCase {
  const roll = random.next();
  return roll < 0.4 ? makeEncodingCase(random) : roll < 0.8 ? makeStreamCase(random) : makeSplicedCase(random);
}

/** Changes a few bytes or cuts, or inserts a part of another stream. */
function changed(one: StreamCase, random: Random): StreamCase {
  let bytes = Buffer.from(one.stream, "hex");
  let { cuts } = one;
  for (let changes = random.integer(1, 3); changes > 0; changes--) {
    const at = random.integer(0, bytes.length);
    const roll = random.next();
    if (roll < 0.3 && at < bytes.length) bytes[at]! ^= 1 << random.integer(0, 7);
    else if (roll < 0.45) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.integer(1, 8))]);
    else if (roll < 0.6)
      bytes = Buffer.concat([bytes.subarray(0, at), random.bytes(random.integer(1, 8)), bytes.subarray(at)]);
    else if (roll < 0.8)
      bytes = Buffer.concat([bytes.subarray(0, at), Buffer.from(makeStreamCase(random).stream, "hex")]);
    else cuts = [...new Set([...cuts, at])].filter((cut) => cut > 0).sort((a, b) => a - b);
  }
  return withBytes({ ...one, cuts, seed: random.integer(0, 0xffff_ffff) }, bytes.subarray(0, MOST_BYTES));
}

/** The length at which mutated streams stop growing. */
const MOST_BYTES = 150_000;

async function shrinkStream(one: StreamCase, fails: (one: StreamCase) => Promise<boolean>): Promise<StreamCase> {
  let left = one;
  const cuts = await shrinkList(left.cuts, (cuts) => fails({ ...left, cuts }));
  left = { ...left, cuts };
  const stream = await shrinkBytes(Buffer.from(left.stream, "hex"), (bytes) => fails(withBytes(left, bytes)));
  left = withBytes(left, stream);
  const options = await shrinkOptions(left.options, (options) => fails({ ...left, options }));
  return { ...left, options };
}

/** Uses new bytes and drops the cuts beyond their end. */
function withBytes(one: StreamCase, bytes: Uint8Array): StreamCase {
  const cuts = one.cuts.filter((cut) => cut < bytes.length);
  return { ...one, cuts, stream: Buffer.from(bytes).toString("hex") };
}
