// Runs one stream through all decoders that must agree: the reference decoder, both cores, decode(), push(), reserve()
// and commit(), save() and restore(), and ws.

import type { FrameDecoderOptions } from "../../../src/index.ts";
import type { ReferenceOptions } from "../../reference/decoder.ts";
import { difference as differenceOf, expected as expectedOf } from "../../reference/peers/check.ts";
import { ROWS } from "../../reference/peers/differences.ts";
import { receiveWithWs } from "../../reference/peers/ws.ts";
import { Random } from "../../support/random.ts";
import { cutAt, difference, viaDecode, viaPush, viaReference, viaStrings } from "../../support/run.ts";
import { fromCaseOptions, type StreamCase } from "./case.ts";

export interface Compared {
  /** The number of frames that the reference decoder found. */
  readonly frames: number;
  readonly finding?: string;
}

export function decoderOptions({ server, ...rest }: ReferenceOptions): FrameDecoderOptions {
  return { role: server ? "server" : "client", ...rest };
}

const WS_ROWS = ROWS.filter(({ peer }) => peer === "ws");

export function compareStream(one: StreamCase): Compared {
  const options = fromCaseOptions(one.options);
  const stream = new Uint8Array(Buffer.from(one.stream, "hex"));
  const chunks = cutAt(stream, one.cuts);
  const random = new Random(one.seed);
  const saveAt = random.integer(0, chunks.length - 1);
  const expected = viaReference(options, stream);
  const frames = expected.frames.length;
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
      if (what !== undefined) return { frames, finding: `${core} ${name}: ${what}` };
    }
  }
  // ws does not have these options. It is compared with the reference decoder with the rows of ws applied.
  const input = { role: base.role, chunks };
  const what = differenceOf(expectedOf(input, WS_ROWS), receiveWithWs(input));
  return what === undefined ? { frames } : { frames, finding: `ws: ${what}` };
}
