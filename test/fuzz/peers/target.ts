// The target "peers". Every other decoder must give the result of the reference decoder with the rows of that library
// applied.

import { ReferenceDecoder } from "../../reference/decoder.ts";
import { OTHERS } from "../../reference/peers/all.ts";
import { difference, expected } from "../../reference/peers/check.ts";
import { randomStream } from "../../reference/peers/corpus.ts";
import { ROWS } from "../../reference/peers/differences.ts";
import type { Role } from "../../reference/peers/peer.ts";
import type { Random } from "../../support/random.ts";
import { cutAt } from "../../support/run.ts";
import { makeStreamCase } from "../frames/streams.ts";
import { shrinkBytes, shrinkList } from "../shrink.ts";
import type { Target } from "../target.ts";

export interface PeersCase {
  readonly role: Role;
  /** The bytes, in hex. */
  readonly stream: string;
  /** The positions where it is cut into chunks. */
  readonly cuts: readonly number[];
}

/** Mixes streams for rules of the RFC with streams of frames of every kind. */
function generate(random: Random): PeersCase {
  if (random.chance(0.5)) {
    const { options, stream, cuts } = makeStreamCase(random);
    return { role: options.server ? "server" : "client", stream, cuts };
  }
  const { role, stream } = randomStream(random);
  const cuts: number[] = [];
  const most = random.pick([1, 5, 100]);
  for (let at = random.integer(1, most); at < stream.length; at += random.integer(1, most)) cuts.push(at);
  return { role, stream: Buffer.from(stream).toString("hex"), cuts };
}

async function findingIn({ role, stream, cuts }: PeersCase): Promise<string | undefined> {
  const input = { role, chunks: cutAt(new Uint8Array(Buffer.from(stream, "hex")), cuts) };
  for (const peer of OTHERS) {
    if (!peer.roles.includes(role)) continue;
    const rows = ROWS.filter((row) => row.peer === peer.name);
    const [found] = await peer.run([input]);
    const what = difference(expected(input, rows), found!);
    if (what !== undefined) return `${peer.name}: ${what}`;
  }
  return undefined;
}

function frameCount({ role, stream }: PeersCase): number {
  const decoder = new ReferenceDecoder({ server: role === "server" });
  decoder.push(Buffer.from(stream, "hex"));
  return decoder.frames.length;
}

export const peersTarget: Target<PeersCase> = {
  name: "peers",
  unit: "frames",
  generate,
  run: async (one) => ({ units: Math.max(1, frameCount(one)), finding: await findingIn(one) }),
  async shrink(one, fails) {
    const cuts = await shrinkList(one.cuts, (cuts) => fails({ ...one, cuts }));
    const withBytes = (bytes: Uint8Array): PeersCase => ({
      ...one,
      cuts: cuts.filter((cut) => cut < bytes.length),
      stream: Buffer.from(bytes).toString("hex"),
    });
    return withBytes(await shrinkBytes(Buffer.from(one.stream, "hex"), (bytes) => fails(withBytes(bytes))));
  },
};
