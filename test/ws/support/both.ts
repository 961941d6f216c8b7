// One body for both implementations. What it returns with ws is what it has to return with ours.

import { describe, expect, test } from "vitest";
import { type DifferenceName } from "./differences.ts";
import { type Implementation, ours, reference } from "./implementations.ts";
import { Lab } from "./lab.ts";

type Body = (lab: Lab) => unknown;
/** Nothing here takes long: what does not come is missed soon. */
const QUICK = { timeout: 5000 } as const;

type Sides = readonly [server: Implementation, client: Implementation];

/** For what has two sides: ours on both, and on either with ws on the other. */
export function both(name: string, body: Body, expected?: unknown): void {
  compare(
    name,
    body,
    [
      [ours, ours],
      [ours, reference],
      [reference, ours],
    ],
    expected,
  );
}

/** For what has one side, `lab.api`. */
export function each(name: string, body: Body, expected?: unknown): void {
  compare(name, body, [[ours, ours]], expected);
}

function compare(name: string, body: Body, pairs: readonly Sides[], expected: unknown): void {
  describe(name, () => {
    let first: Promise<unknown> | undefined;
    const ofReference = (): Promise<unknown> => (first ??= run(body, [reference, reference]));

    test("ws", QUICK, async () => {
      const result = await ofReference();
      // A log that is empty compares well with any other.
      expect(JSON.stringify(result) ?? "").toMatch(/[\w"]/);
      if (expected !== undefined) expect(result).toEqual(expected);
    });

    test.each(pairs.map((pair) => [title(pair), pair] as const))("%s", QUICK, async (_, pair) => {
      const result = await ofReference();
      expect(await run(body, pair)).toEqual(result);
    });
  });
}

/** For what is not the same on purpose: what each returns. */
export function differs(
  name: string,
  difference: DifferenceName,
  body: Body,
  expected: { readonly ws: unknown; readonly wsframe: unknown },
): void {
  describe(`${name} (differs: ${difference})`, () => {
    test("ws", QUICK, async () => {
      expect(await run(body, [reference, reference])).toEqual(expected.ws);
    });
    test("wsframe", QUICK, async () => {
      expect(await run(body, [ours, ours])).toEqual(expected.wsframe);
    });
  });
}

function title([server, client]: Sides): string {
  return server === client ? server.name : `server of ${server.name}, client of ${client.name}`;
}

async function run(body: Body, [server, client]: Sides): Promise<unknown> {
  const lab = new Lab(server, client);
  try {
    // As it is now: logs grow when the lab ends.
    return structuredClone(await body(lab));
  } finally {
    await lab.end();
  }
}
