// Stores the results of mutation testing: counts, and the mutants that no test kills, each with a reason why that is
// acceptable.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const results = fileURLToPath(new URL("results/", import.meta.url));

/**
 * Writes results/FOLDER.json, keeps the reasons in it, and prints the survivors without one.
 * @param {string} folder
 * @param {{ files: Record<string, any> }} report the report of StrykerJS
 * @returns {number} the number of survivors without a reason
 */
export function writeResults(folder, { files }) {
  const mutants = Object.entries(files).flatMap(([file, { source, mutants }]) => {
    const lines = source.split("\n");
    return mutants.map((mutant) => ({ ...mutant, file, lines }));
  });
  const having = (...statuses) => mutants.filter(({ status }) => statuses.includes(status));
  const survivors = having("Survived", "NoCoverage").sort(inOrder);
  const entries = withReasons(survivors.map(describe), readSurvivors(folder));
  const killed = having("Killed", "Timeout").length;
  const tested = killed + survivors.length;
  const score = Math.floor((1000 * killed) / tested) / 10;

  mkdirSync(results, { recursive: true });
  const counts = {
    mutants: mutants.length - having("Ignored").length,
    tested,
    killed,
    survived: survivors.length,
    score,
    /** Not mutated. */
    texts: having("Ignored").length,
    /** The tests could not run with these mutants, so they were neither killed nor did they survive. */
    broken: having("RuntimeError").length,
  };
  writeFileSync(`${results}${folder}.json`, `${JSON.stringify({ ...counts, survivors: entries }, undefined, 2)}\n`);

  const unexplained = survivors.filter((_, place) => entries[place].why === undefined);
  for (const survivor of unexplained) {
    const { file, code, mutant } = describe(survivor);
    console.log(`${file}:${survivor.location.start.line}  ${code}\n  ${mutant}`);
  }
  console.log(
    `${folder}: ${killed} of ${tested} mutants killed (${score} %); ${unexplained.length} survivors unexplained`,
  );
  return unexplained.length;
}

/**
 * The report of a stopped run.
 * @param {readonly any[]} tested
 */
export function reportOf(tested) {
  const files = {};
  for (const mutant of tested) {
    const name = relative(root, mutant.fileName);
    files[name] ??= { source: readFileSync(mutant.fileName, "utf8"), mutants: [] };
    files[name].mutants.push(mutant);
  }
  return { files };
}

/**
 * Removes mutants outside the sample, which the report lists as compile errors, so that a larger sample tests them.
 * @param {string} file a report
 */
export function forgetUnsampled(file) {
  if (!existsSync(file)) return;
  const report = JSON.parse(readFileSync(file, "utf8"));
  for (const each of Object.values(report.files)) {
    each.mutants = each.mutants.filter(({ status }) => status !== "CompileError");
  }
  writeFileSync(file, JSON.stringify(report));
}

function readSurvivors(folder) {
  const file = `${results}${folder}.json`;
  return existsSync(file) ? JSON.parse(readFileSync(file, "utf8")).survivors : [];
}

/** Survivors are recognized by their text, because line numbers change too often. */
function withReasons(survivors, known) {
  const left = [...known];
  return survivors.map((survivor) => {
    const place = left.findIndex(
      ({ file, code, mutant }) => file === survivor.file && code === survivor.code && mutant === survivor.mutant,
    );
    const why = place < 0 ? undefined : left.splice(place, 1)[0].why;
    return why === undefined ? survivor : { ...survivor, why };
  });
}

function describe({ file, lines, location: { start, end }, replacement, status }) {
  const original = lines
    .slice(start.line - 1, end.line)
    .map((line, place, { length }) => {
      const from = place === 0 ? start.column - 1 : 0;
      return line.slice(from, place === length - 1 ? end.column - 1 : undefined).trim();
    })
    .join(" ");
  const untested = status === "NoCoverage" ? " (no test runs it)" : "";
  return {
    file,
    code: lines[start.line - 1].trim(),
    mutant: `${original} -> ${replacement.replaceAll(/\s+/g, " ")}${untested}`,
  };
}

function inOrder(a, b) {
  if (a.file !== b.file) return a.file < b.file ? -1 : 1;
  const [from, to] = [a.location.start, b.location.start];
  return from.line - to.line || from.column - to.column || Number(a.id) - Number(b.id);
}
