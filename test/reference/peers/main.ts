// npm run check-decoder -- [./my-decoder.js] [--seed N] [--streams N] [--strict]
// With a module, it compares that decoder with the reference decoder rule by rule. The exit code is 1 if there are
// differences that the RFC does not allow or, with --strict, errors that are detected late or with another close code.
// Without a module, it checks all peers.

import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { everything, OTHERS, OURS } from "./all.ts";
import { findingsOf, runPeer } from "./check.ts";
import { ROWS } from "./differences.ts";
import { ownDecoder } from "./own-decoder.ts";
import type { Peer } from "./peer.ts";
import { pythonPeer, type PythonLibrary } from "./python.ts";
import { details, LEGEND, overview, rowsOf, table } from "./report.ts";
import { ALLOWED, byRule, GRADES, type RuleVerdict } from "./verdict.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seed: { type: "string", default: "1" },
    streams: { type: "string", default: "500" },
    strict: { type: "boolean", default: false },
  },
});
const [file] = positionals;
const all = everything(Number(values.seed), Number(values.streams));
process.exitCode = file === undefined ? await checkPeers() : await checkOwn(file);

async function checkOwn(path: string): Promise<number> {
  const peer = ownDecoder(path, (await import(pathToFileURL(resolve(path)).href)) as object);
  const verdicts = byRule(await runPeer(peer, all));
  console.log(details(verdicts));
  if (verdicts.some(({ grade }) => grade !== "ok")) console.log("\nThe byte in brackets breaks the rule.");
  const failing = verdicts.filter(({ grade }) => (values.strict ? grade !== "ok" : !ALLOWED.includes(grade)));
  const late = verdicts.filter(({ grade }) => grade !== "ok" && !failing.some((verdict) => verdict.grade === grade));
  console.log(`\n${verdicts.length - failing.length} of ${verdicts.length} rules passed`);
  if (late.length > 0 && !values.strict) console.log("With --strict, late errors and other close codes also fail");
  return failing.length > 0 ? 1 : 0;
}

async function checkPeers(): Promise<number> {
  const peers: Peer[] = [...OURS, ...OTHERS];
  for (const library of ["wsproto", "websockets"] satisfies PythonLibrary[]) {
    const peer = await pythonPeer(library);
    if (peer) peers.push(peer);
    else console.log(`Skipped ${library}: no Python on this machine has it`);
  }
  const columns = new Map<string, RuleVerdict[]>();
  let findings = 0;
  for (const peer of peers) {
    const results = await runPeer(peer, all);
    peer.stop?.();
    columns.set(peer.name, byRule(results));
    for (const finding of findingsOf(peer, results)) {
      findings++;
      console.log(`finding: ${finding}`);
    }
  }
  console.log(`${table(overview(columns))}\n`);
  for (const grade of GRADES) console.log(`${grade.padEnd(6)}  ${LEGEND[grade]}`);
  for (const { name, version } of peers) {
    const rows = rowsOf(name, ROWS);
    if (rows !== "") console.log(`\n${name} ${version}\n${rows}`);
  }
  console.log(`\n${all.length} streams; unexplained differences: ${findings}`);
  return findings > 0 ? 1 : 0;
}
