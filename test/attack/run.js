// Runs one attack on one victim, each in its own process, and reports its cost.

import { fork } from "node:child_process";
import { connect } from "node:net";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { request } from "./frames.js";

/** How long an attack may take, in milliseconds. */
const LIMIT = 45_000;
/** How long a victim may take to report its figures, in milliseconds. After that, it counts as hanging. */
const ANSWER = 10_000;
/** The most bytes that are echoed for comparison. Beyond that, the cost is extrapolated. */
const MOST_ECHOED = 16_777_216;
const LEAST_ECHOED = 65_536;
/** Differences below these values, in milliseconds, are noise. */
const LEAST_CPU = 20;
const LEAST_DELAY = 50;
/** The limit of a victim's heap, in MiB. A low limit makes a leak fail soon. */
const HEAP = 768;

const file = (name) => fileURLToPath(new URL(name, import.meta.url));

/** A process that accepts messages, and the first error that it writes. */
function start(name, settings, execArgv = []) {
  const child = fork(file(name), [JSON.stringify(settings)], { execArgv, stdio: ["ignore", "ignore", "pipe", "ipc"] });
  let errors = "";
  child.stderr.on("data", (chunk) => {
    if (errors.length < 65_536) errors += chunk;
  });
  return { child, errors: () => errors };
}

/** The next message with this key, or undefined after a timeout or if the process ends first. */
function message(child, key, ms) {
  return new Promise((resolve) => {
    const done = (value) => {
      clearTimeout(timer);
      child.off("message", take);
      child.off("exit", exited);
      resolve(value);
    };
    const take = (value) => value[key] !== undefined && done(value);
    const exited = () => done(undefined);
    const timer = setTimeout(exited, ms);
    child.on("message", take);
    child.once("exit", exited);
    if (child.exitCode !== null || child.signalCode !== null) exited();
  });
}

/** Whether a server still accepts a connection within a short time. */
function serves(port) {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const done = (value) => {
      clearTimeout(timer);
      socket.destroy();
      resolve(value);
    };
    const timer = setTimeout(done, 5000, false);
    socket.on("error", () => done(false));
    socket.once("data", (chunk) => done(chunk.toString("latin1").startsWith("HTTP/1.1 101")));
    socket.write(request());
  });
}

/** The processor time of a process that does not answer, on Linux. */
function cpuOf({ pid }) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, "latin1").split(") ")[1].split(" ");
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return undefined;
  }
}

/** A short reason why a process ended. */
function reasonOf(errors) {
  const line = errors.split("\n").find((text) => /heap out of memory|^\S*(Error|Exception)\b/.test(text)) ?? "";
  return /heap out of memory/.test(line) ? "out of memory" : line.slice(0, 60);
}

/**
 * @param {import("./rows.js").Row & { bytes?: number }} row
 * @returns {Promise<{ outcome: string, sent?: number, cpu?: number, rss?: number, external?: number, max?: number,
 * p99?: number }>}
 */
export async function attack(row, subject, quick) {
  const { role, lines, options, behaviour } = row;
  const connections = quick ? Math.ceil(row.connections / 10) : row.connections;
  const common = { role, connections, lines, quick, bytes: row.bytes };
  const attacker = role === "client" ? start("attacker.js", { ...common, attack: row.attack }) : undefined;
  const from = attacker && (await message(attacker.child, "port", LIMIT));
  if (attacker !== undefined && from === undefined) {
    attacker.child.kill("SIGKILL");
    return { outcome: `no attack: ${reasonOf(attacker.errors())}` };
  }
  const victim = start("victim.js", { ...common, subject, behaviour, options, port: from?.port }, [
    "--expose-gc",
    `--max-old-space-size=${HEAP}`,
  ]);
  const children = [victim.child, attacker?.child];
  try {
    const ready = await message(victim.child, "port", LIMIT);
    if (ready === undefined) return { outcome: `does not start: ${reasonOf(victim.errors())}` };
    const { port } = ready;
    const by = attacker ?? start("attacker.js", { ...common, attack: row.attack, port });
    children.push(by.child);
    if (attacker === undefined) await message(by.child, "port", LIMIT);
    by.child.on("message", (value) => value.broadcast && victim.child.connected && victim.child.send("broadcast"));
    const started = message(victim.child, "started", ANSWER);
    victim.child.send("start");
    await started;
    const finished = message(by.child, "sent", LIMIT);
    by.child.send("go");
    const gone = new Promise((resolve) => victim.child.once("exit", () => resolve("gone")));
    const end = await Promise.race([finished, gone]);
    const { sent = undefined, note } = end === "gone" || end === undefined ? {} : end;
    const open = note?.open;
    const crashed = () => ({ outcome: `crashes: ${reasonOf(victim.errors()) || victim.child.signalCode}`, sent });
    if (victim.child.exitCode !== null || victim.child.signalCode !== null) return crashed();
    const alive = role === "client" || options.tls || (await serves(port));
    victim.child.send("report", () => {});
    const figures = await message(victim.child, "cpu", ANSWER);
    if (victim.child.exitCode !== null || victim.child.signalCode !== null) return crashed();
    if (figures === undefined) return { outcome: "hangs", sent, cpu: cpuOf(victim.child) };
    const outcome = alive ? (end === undefined ? "not finished in time" : "serves") : "does not serve";
    return { outcome, sent, open, ...figures };
  } finally {
    for (const child of children) child?.kill("SIGKILL");
  }
}

/** The echoes measured in this run. */
const measured = new Map();

/** The cost of an honest echo of the same number of bytes for the same victim, over the same number of connections. */
export async function honest(row, subject, bytes, quick) {
  const { tls: _, ...options } = row.options;
  // Round up to a power of two, so that rows of similar size share an echo.
  const echoed = Math.min(MOST_ECHOED, Math.max(LEAST_ECHOED, 2 ** Math.ceil(Math.log2(bytes))));
  const { role, connections, lines } = row;
  const settings = { role, connections, lines, options, bytes: echoed, attack: "honest", behaviour: "echo" };
  const key = JSON.stringify([subject, settings]);
  const figures = measured.get(key) ?? (await attack(settings, subject, quick));
  measured.set(key, figures);
  if (figures.outcome !== "serves") return undefined;
  const factor = Math.max(1, bytes / echoed);
  return { cpu: Math.max(LEAST_CPU, figures.cpu * factor), max: Math.max(LEAST_DELAY, figures.max) };
}

/** The figures that exceed their budget. A delay longer than the victim's processor time was caused by the machine. */
export function excess({ budget }, figures, echo) {
  if (figures.outcome !== "serves") return [figures.outcome];
  if (echo === undefined) return ["no echo"];
  const ratios = { cpu: figures.cpu / echo.cpu, delay: Math.min(figures.max, figures.cpu) / echo.max };
  return [
    ...["sent", "rss", "external"].filter((name) => figures[name] > budget[name]),
    ...["cpu", "delay"].filter((name) => ratios[name] > budget[name]),
  ];
}
