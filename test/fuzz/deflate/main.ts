// npm run fuzz -- deflate [--seconds N] [--seed N] [--rounds N] [--size N] [--checked] [--node]
// The core that compresses and inflates, against zlib in C; with --node against node:zlib, where there is no gcc. --checked checks each
// load and store.
// npm run fuzz -- connections [--seconds N] [--seed N] [--rounds N] [--size N]
// Both ends of connections, with permessage-deflate in every configuration; and what comes in, right or wrong, delivered in every way.
// Runs until the time is up, or until it is stopped. Exit code 1 with a finding.

import { runArrival } from "./arrivals.ts";
import { cOracle } from "./c-oracle.ts";
import { nodeOracle } from "./node-oracle.ts";
import { runConnections } from "./connections.ts";
import { type Counts, runRound } from "./rounds.ts";
import { WatchedCore } from "./watched-core.ts";

const REPORT_EVERY = 5000;
/** How many connections to a single end a round has. */
const ARRIVALS = 100;

export interface FuzzSettings {
  readonly seed: number;
  readonly rounds: number;
  /** On the clock of performance.now(). */
  readonly until: number;
  readonly size: number;
  readonly checked: boolean;
  readonly node: boolean;
}

/** Runs rounds until one has a finding. `run` returns what to say of all so far. */
function fuzz(
  target: string,
  { seed: firstSeed, rounds, until, ...rest }: FuzzSettings,
  run: (seed: number) => string,
): void {
  let lastReport = performance.now();
  let report = "nothing was run";
  for (let seed = firstSeed; seed < firstSeed + rounds && performance.now() < until; seed++) {
    try {
      report = run(seed);
    } catch (error) {
      const options = `--seed ${seed} --rounds 1 --size ${rest.size}${rest.checked ? " --checked" : ""}${rest.node ? " --node" : ""}`;
      console.error(`\nseed ${seed}: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      console.error(`repeat with: npm run fuzz -- ${target} ${options}`);
      process.exit(1);
    }
    if (performance.now() - lastReport < REPORT_EVERY) continue;
    lastReport = performance.now();
    console.log(`${report}: no finding`);
  }
  console.log(`${report}: no finding`);
}

export function fuzzConnections(settings: FuzzSettings): void {
  let messages = 0;
  let arrivals = 0;
  fuzz("connections", settings, (seed) => {
    messages += runConnections(seed, { steps: settings.size });
    for (let i = 0; i < ARRIVALS; i++, arrivals++) runArrival(seed * ARRIVALS + i);
    return `${messages} messages between both ends, ${arrivals} connections with messages that are wrong`;
  });
}

export function fuzzDeflate(settings: FuzzSettings): void {
  const oracle = settings.node ? nodeOracle : cOracle("test/fuzz/deflate/zlib.c");
  const core = new WatchedCore(settings);
  const total: Counts = { inflated: 0, deflated: 0, corrupted: 0, understood: 0, tooFar: 0 };
  fuzz("deflate", settings, (seed) => {
    const counts = runRound(seed, { core, oracle, size: settings.size });
    for (const key of Object.keys(counts) as (keyof Counts)[]) total[key] += counts[key];
    return (
      `${total.inflated} messages of zlib, ${total.deflated} for zlib, ${total.corrupted} wrong or invented ` +
      `(${total.understood} of them understood, ${total.tooFar} beyond the window)`
    );
  });
}
