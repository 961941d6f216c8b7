// npm run fuzz -- [--frames N] [--seed N] [--seconds N]
// Runs until it has seen N frames or the time is up; without either, until it is stopped. Exit code 1 with a finding.
//
// npm run fuzz -- deflate [...], or connections: see deflate/main.ts.

import { setImmediate } from "node:timers/promises";
import { parseArgs } from "node:util";
import { fuzzConnections, fuzzDeflate } from "./deflate/main.ts";
import { runSeed } from "./differential.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    frames: { type: "string" },
    seed: { type: "string" },
    seconds: { type: "string" },
    rounds: { type: "string" },
    size: { type: "string", default: "1000" },
    checked: { type: "boolean", default: false },
    node: { type: "boolean", default: false },
  },
});
const limit = Number(values.frames ?? Infinity);
const until = performance.now() + Number(values.seconds ?? Infinity) * 1000;
const firstSeed = Number(values.seed ?? Date.now() % 2 ** 31);
let frames = 0;
let streams = 0;
let againstWs = 0;
let lastReport = performance.now();

console.log(`fuzzing from seed ${firstSeed}`);
const [target] = positionals;
if (target === "deflate" || target === "connections") {
  const { rounds = "Infinity", size, checked, node } = values;
  const run = target === "deflate" ? fuzzDeflate : fuzzConnections;
  run({ seed: firstSeed, rounds: Number(rounds), until, size: Number(size), checked, node });
  process.exit();
}
if (target !== undefined) throw new Error(`there is no target ${target}`);
for (let seed = firstSeed; frames < limit && performance.now() < until; seed++) {
  const result = runSeed(seed);
  frames += result.frames;
  streams++;
  if (result.comparedWithWs) againstWs++;
  if (result.finding) {
    console.error(
      `\nseed ${result.finding.seed}: ${result.finding.what}\nrepeat with: npm run fuzz -- --seed ${seed} --frames 1`,
    );
    process.exit(1);
  }
  // A task must end now and then, for what WeakRefs refer to is kept until it does.
  if (streams % 256 === 0) await setImmediate();
  if (performance.now() - lastReport > 5000) {
    lastReport = performance.now();
    console.log(`${frames} frames in ${streams} streams, ${againstWs} of them against ws too: no finding`);
  }
}
console.log(`${frames} frames in ${streams} streams, ${againstWs} of them against ws too: no finding`);
