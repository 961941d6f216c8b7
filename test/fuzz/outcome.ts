// Runs one case of a target and turns anything that goes wrong into a finding.

import type { Outcome, Target } from "./target.ts";

/** Like target.run(), but an exception becomes a finding. Synchronous if the target is. */
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

/** A finding without its numbers and bytes. Findings that are then equal count as the same kind. */
export function kindOf(finding: string): string {
  const [first = ""] = finding.split("\n");
  return first
    .replaceAll(/"[^"]*"/g, '""')
    .replaceAll(/\b[0-9a-f]{6,}\b|\d+/g, "#")
    .slice(0, 200);
}
