// Runs one test body with both implementations, and expects wsframe/ws to return the same as ws.

import { describe, expect, test } from "vitest";
import { type DifferenceName } from "./differences.ts";
import { type Implementation, ours, reference } from "./implementations.ts";
import { Lab } from "./lab.ts";

type Body = (lab: Lab) => unknown;
/** The time limit of a test. No test here takes long, so a missing event is noticed soon. */
const QUICK = { timeout: 5000 } as const;

type Sides = readonly [server: Implementation, client: Implementation];

/** Tests both sides of a connection: with wsframe on both, and with ws on one of them. */
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

/** Tests one side of a connection, `lab.api`. */
export function each(name: string, body: Body, expected?: unknown): void {
  compare(name, body, [[ours, ours]], expected);
}

function compare(name: string, body: Body, pairs: readonly Sides[], expected: unknown): void {
  describe(name, () => {
    let first: Promise<unknown> | undefined;
    const ofReference = (): Promise<unknown> => (first ??= run(body, [reference, reference]));

    test("ws", QUICK, async () => {
      const result = await ofReference();
      // An empty log would make the comparison meaningless.
      expect(JSON.stringify(result) ?? "").toMatch(/[\w"]/);
      if (expected !== undefined) expect(result).toEqual(expected);
    });

    test.each(pairs.map((pair) => [title(pair), pair] as const))("%s", QUICK, async (_, pair) => {
      const result = await ofReference();
      expect(await run(body, pair)).toEqual(result);
    });
  });
}

/** Tests a deliberate difference: each implementation must return its own result. */
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
    // A copy, because logs grow when the lab ends.
    return structuredClone(await body(lab));
  } finally {
    await lab.end();
  }
}
