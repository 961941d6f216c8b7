// Changes cases slightly: calls are left out, repeated, moved, or added.

import type { Random } from "../../support/random.ts";
import type { Call, ProtocolCase } from "./case.ts";
import { generateCall, settings } from "./generate.ts";

const MOST_CALLS = 400;

export function mutateCase({ connections, calls }: ProtocolCase, random: Random): ProtocolCase {
  const changed = [...calls];
  for (let n = random.integer(1, 4); n > 0; n--) {
    const at = random.integer(0, changed.length);
    switch (random.integer(0, 4)) {
      case 0:
        changed.splice(at, random.integer(1, 4));
        break;
      case 1:
        changed.splice(at, 0, ...changed.slice(at, at + random.integer(1, 4)));
        break;
      case 2:
        if (changed.length > 0) changed.splice(at, 0, nested(random, random.pick(changed), connections));
        break;
      default:
        changed.splice(at, 0, generateCall(random, connections));
    }
  }
  const others = random.chance(0.05)
    ? connections.map((each) => (random.chance(0.5) ? { ...settings(random), role: each.role } : each))
    : connections;
  return { connections: others, calls: changed.slice(0, MOST_CALLS) };
}

/** The same call with another call in one of its callbacks. */
function nested(random: Random, call: Call, connections: ProtocolCase["connections"]): Call {
  switch (call.op) {
    case "in":
    case "commit":
    case "resume":
    case "send":
      return { ...call, inside: [...(call.inside ?? []), generateCall(random, connections)] };
    default:
      return call;
  }
}
