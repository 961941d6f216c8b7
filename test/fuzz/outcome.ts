// One case of a target, with whatever goes wrong in it as a finding.

import type { Outcome, Target } from "./target.ts";

/** As target.run(); an exception is a finding. Synchronous where the target is. */
export function outcomeOf<Case>(target: Target<Case>, one: Case): Outcome | Promise<Outcome> {
  try {
    const outcome = target.run(one);
    return outcome instanceof Promise ? outcome.catch(asFinding) : outcome;
  } catch (error) {
    return asFinding(error);
  }
}

function asFinding(error: unknown): Outcome {
  return { units: 0, finding: error instanceof Error ? (error.stack ?? error.message) : String(error) };
}

/** A finding without its numbers and bytes: two that are the same then are taken for one. */
export function kindOf(finding: string): string {
  const [first = ""] = finding.split("\n");
  return first
    .replaceAll(/"[^"]*"/g, '""')
    .replaceAll(/\b[0-9a-f]{6,}\b|\d+/g, "#")
    .slice(0, 200);
}
