// The target "compression". It runs permessage-deflate between both ends of many connections, and feeds single ends
// valid and invalid messages in every way of delivery.

import type { TargetSettings } from "../settings.ts";
import { shrinkNumber } from "../shrink.ts";
import type { Target } from "../target.ts";
import { runArrival } from "./arrivals.ts";
import { runConnections } from "./connections.ts";

/** Both ends of many connections, for a number of steps. */
interface PairsCase {
  readonly kind: "pairs";
  readonly seed: number;
  readonly steps: number;
}

/** A single receiving end. */
interface ArrivalCase {
  readonly kind: "arrival";
  readonly seed: number;
}

export type CompressionCase = PairsCase | ArrivalCase;

export function compressionTarget({ size = 2000 }: TargetSettings): Target<CompressionCase> {
  return {
    name: "compression",
    unit: "messages",
    generate(random) {
      const seed = random.integer(0, 0x7fff_ffff);
      return random.chance(0.04) ? { kind: "pairs", seed, steps: size } : { kind: "arrival", seed };
    },
    run(one) {
      if (one.kind === "pairs") return { units: runConnections(one.seed, one) };
      runArrival(one.seed);
      return { units: 1 };
    },
    async shrink(one, fails) {
      return one.kind === "arrival"
        ? one
        : { ...one, steps: await shrinkNumber(one.steps, (steps) => fails({ ...one, steps })) };
    },
  };
}
