// All mutants, in the order in which --check runs them.

import { CONNECTION } from "./connection.ts";
import { DEFLATE } from "./deflate.ts";
import { FRAMES } from "./frames.ts";
import { HANDSHAKE } from "./handshake.ts";
import type { Mutant } from "./mutant.ts";
import { PROTOCOL } from "./protocol.ts";

export const MUTANTS: readonly Mutant[] = [...FRAMES, ...HANDSHAKE, ...DEFLATE, ...PROTOCOL, ...CONNECTION];
