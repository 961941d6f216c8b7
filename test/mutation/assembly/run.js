// npm run mutate -- assembly [FILES] [--all] [--sample PERCENT] [--seed NUMBER]
// Mutation testing of assembly/: each change must make a test of its core fail. Changes are made in random order, so
// that the results of a stopped run are also a sample.

import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Worker } from "node:worker_threads";
import { writeResults } from "../results.js";
import { bundle } from "./bundle.js";
import { compile, sourceOf } from "./compile.js";
import { change, mutantsOf } from "./mutants.js";
import { core, deflate, PARTS } from "./parts.js";

const root = fileURLToPath(new URL("../../..", import.meta.url));
const kept = `${root}build/mutation-assembly.json`;

/** The limit of a test in milliseconds of processor time. Elapsed time would include other processes. */
const LIMIT = 12_000;
const LOOK = 250;
/** The limit of its heap, in MiB, because endless output exhausts memory. */
const HEAP = 512;

function cpu() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

/** Runs the tests. @returns {Promise<{ status: "Killed" | "Survived" | "Timeout", by?: string }>} */
function runTests({ tests, order }, wasm) {
  return new Promise((resolve) => {
    const worker = new Worker(new URL("worker.js", import.meta.url), {
      workerData: { wasm, tests, order },
      resourceLimits: { maxOldGenerationSizeMb: HEAP },
      stdout: true,
    });
    let began = cpu();
    let last = "the first test";
    const timer = setInterval(() => {
      if (cpu() - began > LIMIT) end({ status: "Timeout", by: `after ${last}` });
    }, LOOK);
    let isOver = false;
    const end = (result) => {
      if (isOver) return;
      isOver = true;
      clearInterval(timer);
      void worker.terminate().then(() => resolve(result));
    };
    worker.on("message", ({ passed, failed }) => {
      began = cpu();
      if (passed !== undefined) last = passed;
      else end(failed === undefined ? { status: "Survived" } : { status: "Killed", by: failed.name });
    });
    // An invalid module, or a trap in a callback.
    worker.on("error", (error) => end({ status: "Killed", by: String(error) }));
    // A promise that never settles.
    worker.on("exit", () => end({ status: "Timeout", by: `after ${last}` }));
  });
}

/** The tests that have killed mutants, most successful first. They run before the others. */
function successful(judged) {
  const kills = new Map();
  for (const { status, by } of Object.values(judged)) if (status === "Killed") kills.set(by, (kills.get(by) ?? 0) + 1);
  return [...kills.keys()].sort((a, b) => kills.get(b) - kills.get(a));
}

const hash = (...parts) => parts.reduce((sum, part) => sum.update(part), createHash("sha256")).digest("hex");

/** Positions in lines and columns, counted from 1. */
function location(source, { start, end }) {
  const place = (at) => {
    const before = source.slice(0, at).split("\n");
    return { line: before.length, column: before.at(-1).length + 1 };
  };
  return { start: place(start), end: place(end) };
}

/** Shuffles in an order that depends on the seed. */
function shuffle(items, seed) {
  const order = (item) => hash(String(seed), item.key);
  return items
    .map((item) => [order(item), item])
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, item]) => item);
}

/** @returns {Promise<number>} the number of survivors without a reason */
export async function mutateAssembly({ files, all, sample: { share, seed } }) {
  const known = !all && existsSync(kept) ? JSON.parse(readFileSync(kept, "utf8")) : {};
  const state = { ...known };
  /** @type {Record<string, any>} */
  const originals = {};
  /** @type {Record<string, any>} */
  const published = {};
  for (const each of [core, deflate]) {
    originals[each.name] = await compile(each, "fast");
    published[each.name] = await compile(each, "published");
  }
  const isSame = async (core, changed) => {
    const wasm = await compile(core, "published", changed);
    return wasm !== undefined && Buffer.compare(wasm, published[core.name]) === 0;
  };

  const work = [];
  for (const [part, { core, files, tests }] of Object.entries(PARTS)) {
    const bundled = `${root}build/mutation-tests-${part}.js`;
    await bundle(tests, bundled);
    const suite = { tests: bundled, order: successful(known[part]?.judged ?? {}) };
    const { status, by } = await runTests(suite, originals);
    if (status !== "Survived") throw new Error(`the tests of ${part} fail without a mutant: ${by}`);
    const sources = hash(...files.map(sourceOf));
    const found = hash(readFileSync(bundled));
    const before = known[part]?.sources === sources ? known[part] : { judged: {} };
    // Other tests may kill the mutants that earlier tests did not.
    const judged = Object.entries(before.judged).filter(
      ([, { status }]) => status !== "Survived" || before.tests === found,
    );
    state[part] = { sources, tests: found, judged: Object.fromEntries(judged) };
    for (const file of files) {
      const source = sourceOf(file);
      for (const mutant of mutantsOf(source)) {
        work.push({ part, core, suite, file, source, mutant, key: `${file} ${JSON.stringify(mutant)}` });
      }
    }
  }

  const sampled = shuffle(work, seed).slice(0, Math.ceil(work.length * share));
  const wanted = sampled.filter(({ file }) => files.length === 0 || files.some((name) => file.endsWith(`/${name}`)));
  // Endless output may exhaust all memory at once and end this process.
  const { running } = known;
  if (running !== undefined) state[running.part].judged[running.key] = { status: "Timeout", by: "no end" };
  delete state.running;
  const save = () => {
    mkdirSync(`${root}build`, { recursive: true });
    writeFileSync(kept, JSON.stringify(state));
  };
  process.once("SIGINT", () => {
    delete state.running;
    save();
    report(state, work);
    process.exit();
  });
  let count = 0;
  for (const { part, core, suite, file, source, mutant, key } of wanted) {
    count++;
    const { judged } = state[part];
    if (judged[key] !== undefined) continue;
    const changed = { file, source: change(source, mutant) };
    const wasm = await compile(core, "fast", changed);
    if (wasm === undefined) judged[key] = { status: "CompileError" };
    else {
      state.running = { part, key };
      save();
      judged[key] = await runTests(suite, { ...originals, [core.name]: wasm });
      delete state.running;
    }
    // If the optimizer makes the same code, the published core has no such mutant.
    if (judged[key].status === "Survived" && (await isSame(core, changed))) judged[key] = { status: "Same" };
    save();
    if (judged[key].status === "Survived") {
      const { line } = location(source, mutant).start;
      console.log(`survived: ${file}:${line}  ${source.slice(mutant.start, mutant.end)} -> ${mutant.replacement}`);
    }
    if (count % 10 === 0) console.log(`${count} of ${wanted.length}`);
  }
  save();
  return report(state, work);
}

/** Writes the results so far. */
function report(state, work) {
  const files = {};
  const table = {};
  for (const [id, { part, file, source, mutant, key }] of work.entries()) {
    const status = state[part].judged[key]?.status ?? "CompileError";
    const row = (table[file] ??= { killed: 0, "timed out": 0, survived: 0, "same code": 0 });
    if (status === "Same") row["same code"]++;
    // Mutants that are not in the sample are not counted.
    if (status === "Killed") row.killed++;
    else if (status === "Timeout") row["timed out"]++;
    else if (status === "Survived") row.survived++;
    // The same code does not count as a mutant.
    if (status === "Same") continue;
    const entry = { id: String(id), location: location(source, mutant), replacement: mutant.replacement, status };
    (files[file] ??= { source, mutants: [] }).mutants.push(entry);
  }
  console.table(table);
  return writeResults("assembly", { files });
}
