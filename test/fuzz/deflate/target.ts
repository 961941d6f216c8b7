// The target "deflate": the core that compresses and inflates, compared with zlib.

import type { TargetSettings } from "../settings.ts";
import { shrinkNumber } from "../shrink.ts";
import type { Target } from "../target.ts";
import { type BudgetCase, judgeBudget, makeBudgetCase } from "./budget.ts";
import { cOracle } from "./c-oracle.ts";
import { nodeOracle } from "./node-oracle.ts";
import type { Oracle } from "./oracle.ts";
import { runRound } from "./rounds.ts";
import { WatchedCore } from "./watched-core.ts";

/** A round of connections in both directions. The same seed and size make the same round. */
export interface RoundCase {
  readonly kind: "round";
  readonly seed: number;
  /** The number of connections of each kind. */
  readonly size: number;
}

export type DeflateCase = RoundCase | BudgetCase;

/** The fraction of cases that check time and memory. */
const BUDGETS = 0.5;
/** zlib in C starts once per round, so its rounds should be large. node:zlib is slow. */
const SIZE = { c: 200, node: 20 };

export function deflateTarget(settings: TargetSettings): Target<DeflateCase> {
  let core: WatchedCore | undefined;
  let oracle: Oracle | undefined;
  const size = settings.size ?? (settings.node ? SIZE.node : SIZE.c);
  return {
    name: "deflate",
    unit: "messages",
    generate(random) {
      if (random.chance(BUDGETS)) return makeBudgetCase(random);
      return { kind: "round", seed: random.integer(0, 0x7fff_ffff), size };
    },
    run(one) {
      if (one.kind === "budget") return { units: 1, finding: judgeBudget(one) };
      core ??= new WatchedCore(settings);
      oracle ??= settings.node ? nodeOracle : cOracle("test/fuzz/deflate/zlib.c");
      const { inflated, deflated, corrupted } = runRound(one.seed, { core, oracle, size: one.size });
      return { units: inflated + deflated + corrupted };
    },
    async shrink(one, fails) {
      return one.kind === "budget"
        ? { ...one, repeats: await shrinkNumber(one.repeats, (repeats) => fails({ ...one, repeats })) }
        : { ...one, size: await shrinkNumber(one.size, (size) => fails({ ...one, size })) };
    },
  };
}
