// A longer seeded run of `npm run fuzz -- connection`.

import { expect, test } from "vitest";
import { Random } from "../../support/random.ts";
import { connection } from "./target.ts";

const CASES = 1500;
const FIRST = 10_000;

test(`${CASES} cases`, { timeout: 600_000 }, async () => {
  for (let seed = FIRST; seed < FIRST + CASES; seed++) {
    const { finding } = await connection.run(connection.generate(new Random(seed)));
    expect(finding, `seed ${seed}`).toBeUndefined();
  }
});
