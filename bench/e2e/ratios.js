// Ratios of wsframe to others, and whether they meet the goals.

/**
 * @typedef {object} Ratio
 * @property {string} ours
 * @property {string} theirs
 * @property {number} ratio how many times as fast ours is
 * @property {number} [goal]
 * @property {boolean} [met] undefined without a goal
 */

/**
 * @param {{ ours: readonly string[], peers: readonly string[], goals: Record<string, number> }} one a case
 * @param {Record<string, { rate: number }>} measured by server. Servers that were not measured have no ratio and are not judged
 * @returns {Ratio[]}
 */
export function ratiosOf({ ours, peers, goals }, measured) {
  const ratios = [];
  for (const theirs of peers) {
    for (const [i, mine] of ours.entries()) {
      if (!measured[mine] || !measured[theirs]) continue;
      const ratio = measured[mine].rate / measured[theirs].rate;
      const goal = i === 0 ? goals[theirs] : undefined;
      ratios.push({ ours: mine, theirs, ratio, ...(goal !== undefined && { goal, met: ratio >= goal }) });
    }
  }
  return ratios;
}

/**
 * How much less memory an idle connection takes.
 * @param {Record<string, { heap: number }>} memory by server
 * @param {Record<string, number>} goals
 * @returns {Ratio[]}
 */
export function idleRatios(memory, goals) {
  return Object.entries(goals)
    .filter(([theirs]) => memory[theirs])
    .map(([theirs, goal]) => {
      const ratio = memory[theirs].heap / memory.wsframe.heap;
      return { ours: "wsframe", theirs, ratio, goal, met: ratio >= goal };
    });
}

/**
 * The ratios that changed by more than the spread of both runs. Rates are not compared, because the machine may be a different one.
 * @param {{ name: string, measured: Record<string, { rate: number, least: number, greatest: number }> }[]} before
 * @param {(import("./cases.js").Case & { measured: object })[]} now
 */
export function moved(before, now) {
  const range = (mine, theirs) => [mine.least / theirs.greatest, mine.greatest / theirs.least];
  return now.flatMap((one) => {
    const old = before.find(({ name }) => name === one.name)?.measured;
    if (!old) return [];
    return ratiosOf(one, one.measured).flatMap(({ ours, theirs, ratio }) => {
      if (!old[ours] || !old[theirs]) return [];
      const [low, high] = range(one.measured[ours], one.measured[theirs]);
      const [oldLow, oldHigh] = range(old[ours], old[theirs]);
      if (low <= oldHigh && high >= oldLow) return [];
      return [{ name: one.name, ours, theirs, was: old[ours].rate / old[theirs].rate, is: ratio }];
    });
  });
}
