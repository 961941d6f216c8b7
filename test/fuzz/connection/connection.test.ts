// A short seeded run of `npm run fuzz -- connection`.

import { expect, test } from "vitest";
import { Random } from "../../support/random.ts";
import { connection } from "./target.ts";

const CASES = 100;

test(`${CASES} cases`, async () => {
  for (let seed = 1; seed <= CASES; seed++) {
    const { finding } = await connection.run(connection.generate(new Random(seed)));
    expect(finding, `seed ${seed}`).toBeUndefined();
  }
});

test("a case has the same outcome each time", async () => {
  const one = connection.generate(new Random(7));
  const first = await connection.run(one);
  for (let seed = 200; seed < 205; seed++) await connection.run(connection.generate(new Random(seed)));
  expect(await connection.run(one)).toEqual(first);
});
