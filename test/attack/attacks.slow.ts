// Runs a few of the attacks of `npm run attack` in their short form. wsframe must stay within the budget of each.

import { expect, test } from "vitest";
import { rows } from "./rows.js";
import { attack, excess, honest } from "./run.js";

/** Attacks whose figures do not depend on the speed of the machine. */
const QUICK = [
  "byte-fragments",
  "announce",
  "bomb",
  "many-fields",
  "tiny-requests",
  "h2-rapid-reset",
  "client-window-bits",
];

// Try again, because other work on the machine disturbs a measurement.
test.each(QUICK)("%s", { retry: 2 }, async (name) => {
  const row = rows.find((each) => each.name === name)!;
  const figures = await attack(row, "wsframe", true);
  expect(figures).toMatchObject({ outcome: "serves" });
  const echo = await honest(row, "wsframe", figures.sent!, true);
  expect(excess(row, figures, echo).filter((what) => what !== "delay")).toEqual([]);
});
