// Checks that a soak notices growth.

import { expect, test } from "vitest";
import { FIGURES, type Figure, TOLERANCES, trends, type Witnessed } from "./flat.ts";
import { Random } from "../support/random.ts";

const LEVEL: Witnessed = {
  heap: 20 << 20,
  external: 10 << 20,
  rss: 90 << 20,
  files: 40,
  handles: 30,
  p50: 0.1,
  p99: 5,
  cpu: 0,
  connections: 10,
  idle: 1,
};
const COUNT = 360;

/** An hour of samples. `grow` is the total increase of a figure. */
function hour(figure: Figure, grow: number, warmUp = 0): Witnessed[] {
  const random = new Random(1);
  return Array.from({ length: COUNT }, (_, index) => {
    const noise = 1 + 0.1 * (random.next() - 0.5);
    const cold = index < COUNT / 12 ? warmUp : 0;
    return { ...LEVEL, [figure]: LEVEL[figure] * noise + (grow * index) / COUNT - cold };
  });
}

const found = (samples: readonly Witnessed[]) => trends(samples).filter(({ isFlat }) => isFlat !== true);

test.each(FIGURES)("%s is flat if it stays constant after the warm-up", (figure) => {
  expect(found(hour(figure, 0))).toEqual([]);
  expect(found(hour(figure, 0, LEVEL[figure] / 2))).toEqual([]);
});

test.each(FIGURES)("%s is not flat if it grows", (figure) => {
  const { factor, more } = TOLERANCES[figure];
  const allowed = LEVEL[figure] * (factor - 1) + more;
  expect(found(hour(figure, allowed * 3)).map((trend) => trend.figure)).toEqual([figure]);
});

test("ignores single peaks", () => {
  const samples = hour("rss", 0).map((sample, index) => (index % 10 === 9 ? { ...sample, rss: 500 << 20 } : sample));
  expect(found(samples)).toEqual([]);
});

test("does not judge delays while other programs use the machine", () => {
  const busy = hour("p99", 0).map((sample, index) => (index > COUNT / 2 ? { ...sample, p99: 500, idle: 50 } : sample));
  expect(found(busy).map(({ figure, isFlat }) => [figure, isFlat])).toEqual([
    ["p50", undefined],
    ["p99", undefined],
  ]);
  const now = busy.map((sample, index) => (index % 3 === 0 ? { ...sample, p99: 5, idle: 1 } : sample));
  expect(found(now)).toEqual([]);
});
