import type { Target } from "../target.ts";
import type { ConnectionCase } from "./case.ts";
import { generate } from "./generate.ts";
import { shrink } from "./shrink.ts";
import { runCase } from "./world.ts";

/** Connection of wsframe/node, both roles, in a world that is simulated: its socket, its peer, its user and time. */
export const connection: Target<ConnectionCase> = { name: "connection", unit: "calls", generate, run: runCase, shrink };
