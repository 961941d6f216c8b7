// The same calls as commands of fast-check, which generates its own sequences and shrinks its findings.

import * as fc from "fast-check";
import { expect, test } from "vitest";
import { Random } from "../../support/random.ts";
import type { Call, ProtocolCase } from "./case.ts";
import { generateCall, generateCase, settings } from "./generate.ts";
import { shrinkCase } from "./shrink.ts";
import { World } from "./world.ts";

/** The model and the real system are the same `World`, which makes each call on both and compares them. */
class Command implements fc.Command<ProtocolCase, World> {
  readonly #call: Call;

  constructor(call: Call) {
    this.#call = call;
  }

  check(): boolean {
    return true;
  }

  run(_: ProtocolCase, world: World): void {
    world.call(this.#call);
  }

  /** JSON that can be put into a case. */
  toString(): string {
    return JSON.stringify(this.#call);
  }
}

const seeds = fc.integer({ min: 0, max: 0x7fff_ffff });
const connections = fc.array(
  seeds.map((seed) => settings(new Random(seed))),
  { minLength: 1, maxLength: 4 },
);

test("fast-check finds nothing", () => {
  const property = fc.property(
    connections.chain((made) =>
      fc.tuple(
        fc.constant(made),
        fc.commands([seeds.map((seed) => new Command(generateCall(new Random(seed), made)))], { maxCommands: 200 }),
      ),
    ),
    ([made, commands]) => {
      const model = { connections: made, calls: [] };
      const world = new World(model);
      fc.modelRun(() => ({ model, real: world }), commands);
      world.finish();
    },
  );
  fc.assert(property, { numRuns: 60, seed: 1 });
});

test("a shrunk case keeps its failure and is JSON", async () => {
  const one = generateCase(new Random(3));
  const isClosed = (each: Call): boolean => each.op === "pause" || ("inside" in each && !!each.inside?.some(isClosed));
  expect(one.calls.some(isClosed)).toBe(true);
  const small = await shrinkCase(one, async ({ calls }) => calls.some(isClosed));
  expect(JSON.parse(JSON.stringify(small))).toEqual(small);
  expect(small.calls).toHaveLength(1);
  expect(small.connections).toHaveLength(1);
});
