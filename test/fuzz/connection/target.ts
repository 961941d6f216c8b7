import type { Target } from "../target.ts";
import type { ConnectionCase } from "./case.ts";
import { generate } from "./generate.ts";
import { shrink } from "./shrink.ts";
import { runCase } from "./world.ts";

/** Fuzzes Connection of wsframe/node in both roles, with a simulated socket, peer, user and clock. */
export const connection: Target<ConnectionCase> = { name: "connection", unit: "calls", generate, run: runCase, shrink };
