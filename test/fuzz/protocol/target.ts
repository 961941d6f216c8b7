// The target "protocol": any calls on several connections, also nested, compared with a model of each.

import type { Target } from "../target.ts";
import type { ProtocolCase } from "./case.ts";
import { generateCase } from "./generate.ts";
import { mutateCase } from "./mutate.ts";
import { shrinkCase } from "./shrink.ts";
import { runCase } from "./world.ts";

export const protocolTarget: Target<ProtocolCase> = {
  name: "protocol",
  unit: "calls",
  generate: generateCase,
  mutate: mutateCase,
  run(one) {
    const { calls, finding } = runCase(one);
    return { units: calls, finding };
  },
  shrink: shrinkCase,
};
