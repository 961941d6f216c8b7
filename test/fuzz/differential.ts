// One fuzz case through everything that must agree: the reference decoder, both cores, decode(), push(),
// reserve() and commit(), save() and restore(), and ws.

import type { FrameDecoderOptions } from "../../src/index.ts";
import type { ReferenceOptions } from "../reference/decoder.ts";
import { Random } from "../support/random.ts";
import { cutAt, difference, viaDecode, viaPush, viaReference, viaStrings } from "../support/run.ts";
import { encodeSeed } from "./encoding.ts";
import { makeCase } from "./streams.ts";
import { disagreement, viaWs } from "./ws-receiver.ts";

export interface Finding {
  seed: number;
  what: string;
}

function decoderOptions({ server, ...rest }: ReferenceOptions): FrameDecoderOptions {
  return { role: server ? "server" : "client", ...rest };
}

/** ws has neither these limits nor these relaxations; lengths that are not minimal it always accepts. */
function comparableWithWs(options: ReferenceOptions): boolean {
  const { maxFrame, rsv, allowUnmasked, allowMasked, allowInvalidClose, allowInvalidUtf8 } = options;
  const relaxed = allowUnmasked || allowMasked || allowInvalidClose || allowInvalidUtf8;
  return options.allowNonMinimalLength === true && maxFrame === undefined && !rsv && !relaxed;
}

/** Runs the case of a seed. Returns the number of frames in it, and the first finding. */
export function runSeed(seed: number): { frames: number; finding?: Finding; comparedWithWs: boolean } {
  const encoded = encodeSeed(seed);
  if (encoded.what !== undefined)
    return { frames: encoded.frames, finding: { seed, what: encoded.what }, comparedWithWs: false };
  const random = new Random(seed);
  const { options, stream, cuts, frames } = makeCase(random);
  const chunks = cutAt(stream, cuts);
  const saveAt = random.integer(0, chunks.length - 1);
  const expected = viaReference(options, stream);
  const base = decoderOptions(options);
  for (const core of ["wasm", "portable"] as const) {
    const settings = { ...base, core };
    const ways = {
      decode: () => difference(expected, viaDecode(settings, chunks), { partial: false }),
      "decode copy": () =>
        difference(expected, viaDecode({ ...settings, copy: true }, chunks, saveAt), { partial: false }),
      push: () => difference(expected, viaPush(settings, chunks)),
      "push, with pauses": () => difference(expected, viaPush(settings, chunks, { pauses: random })),
      "commit, with pauses": () => difference(expected, viaPush(settings, chunks, { commit: true, pauses: random })),
      strings: () => {
        const wanted = expected.frames.map(({ opcode, payload }) => `${opcode} ${payload.toString("hex")}`);
        for (const pauses of [undefined, random]) {
          const found = viaStrings({ ...settings, textSlack: random.pick([0, 20, 1024]) }, chunks, pauses);
          const at = wanted.findIndex((value, i) => value !== found[i]);
          if (at >= 0 || wanted.length !== found.length)
            return `frame ${at}: expected ${wanted[at]}, got ${found[at]}${pauses ? ", with pauses" : ""}`;
        }
        return undefined;
      },
      commit: () => difference(expected, viaPush(settings, chunks, { commit: true, saveAt })),
    };
    for (const [name, way] of Object.entries(ways)) {
      const what = way();
      if (what !== undefined)
        return { frames, finding: { seed, what: `${core} ${name}: ${what}` }, comparedWithWs: false };
    }
  }
  const comparedWithWs = comparableWithWs(options);
  if (comparedWithWs) {
    // maxPayload of ws is for messages: neither side has one here, and what ws would wait for never comes.
    const what = disagreement(expected, viaWs(options.server, chunks), stream.length);
    const beyondLimit = expected.error?.code === "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";
    if (what !== undefined && !beyondLimit) return { frames, finding: { seed, what: `ws: ${what}` }, comparedWithWs };
  }
  return { frames, comparedWithWs };
}
