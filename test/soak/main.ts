// npm run soak -- [--seconds 3600] [--seed N] [--server wsframe|ws] [--rate 1024] [--clients
// ws,undici,wsframe,websockets,chromium]
// Puts a server under load from several clients, with random faults, at a rate in KiB/s of messages. The exit code is 1
// if a message was lost, duplicated, changed or out of order, if a connection did not end correctly, or if memory,
// handles or delays grew.

import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { cpuOfChildren } from "./cpu.ts";
import { trends } from "./flat.ts";
import { judge } from "./judge.ts";
import type { Heard } from "./lines.ts";
import { type ClientName, isHarmless, type Order } from "./order.ts";
import { Plan, sizeOf } from "./plan.ts";
import { line, summary, Totals } from "./print.ts";
import type { Report } from "./report.ts";
import { Vitals } from "./vitals.ts";
import { Worker } from "./worker.ts";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "3600" },
    seed: { type: "string", default: String(Date.now() % 2 ** 31) },
    server: { type: "string", default: "wsframe" },
    rate: { type: "string", default: "1024" },
    clients: { type: "string", default: "ws,undici,wsframe,websockets,chromium" },
  },
});
const { server: serverName } = values;
const [seconds, seed, rate] = [values.seconds, values.seed, values.rate].map(Number) as [number, number, number];
if (!(seconds > 0) || !Number.isInteger(seed) || !(rate > 0) || !["wsframe", "ws"].includes(serverName)) {
  console.error("Usage: npm run soak -- [--seconds 3600] [--seed N] [--server wsframe|ws] [--rate 1024]");
  process.exit(2);
}

/** The maximum number of connections, and how long they are meant to last, in milliseconds. */
const MOST = 100;
const longest = Math.min(60_000, (seconds * 1000) / 3);
/**
 * How long the second end of a cut connection may take to report, in milliseconds. Silence is noticed within this time.
 */
const GRACE = 45_000;
const DEADLINE = longest * 2 + 180_000;
/** The time between two samples, and the shortest run whose trends are judged, in seconds. */
const INTERVAL = Math.max(Math.min(10, seconds / 15), 1);
const LONG = 600;

interface Open {
  readonly order: Order;
  readonly since: number;
  client?: Report;
  server?: Report;
  /** When the first report arrived. */
  told?: number;
}

const open = new Map<number, Open>();
const totals = new Totals();
const clients = new Map<ClientName, Worker>();

function onReport(side: "client" | "server", heard: Heard): void {
  if (heard.type === "accepted") {
    const { order } = open.get(heard.id)!;
    clients.get(order.client)!.say({ type: "order", order });
  }
  if (heard.type !== "report") return;
  const connection = open.get(heard.id);
  if (connection === undefined) {
    totals.wrong(`connection ${heard.id}: the ${side} ended much later than the other end`);
    return;
  }
  connection[side] = heard.report;
  connection.told ??= Date.now();
  if (connection.client && connection.server) end(connection);
}

function end({ order, client, server }: Open): void {
  open.delete(order.id);
  if (server === undefined) serverWorker.say({ type: "forget", id: order.id });
  const { outcome, faults } = judge(order, server, client);
  totals.add(order, outcome, client, server);
  for (const fault of faults) {
    const { id, client: name, way, proxy, abort } = order;
    totals.wrong(`connection ${id} of ${name}, ${way}, ${proxy ?? abort?.how ?? "no fault"}: ${fault}`);
  }
}

/** Ends connections that one end never reported, such as those cut in the handshake. */
function endOld(): void {
  const now = Date.now();
  for (const connection of open.values()) {
    const { order, since, client, told = now } = connection;
    const isCut = client !== undefined && !(client.opened && isHarmless(order));
    if ((isCut && now - told > GRACE) || now - since > DEADLINE) end(connection);
  }
}

const started = (name: string, args: readonly string[], side: "client" | "server") =>
  Worker.start(name, args, (heard) => onReport(side, heard));
const node = (file: string): string[] => [process.execPath, "--expose-gc", `build/soak/${file}.js`, String(seed)];

const { worker: serverWorker, ports } = await started("server", node(`server-${serverName}`), "server");
const proxy = await started("proxy", [...node("proxy"), JSON.stringify(ports)], "client");

const commands: [name: ClientName, command: string[] | undefined][] = [
  ["ws", node("clients/ws")],
  ["undici", node("clients/undici")],
  ["wsframe", node("clients/wsframe")],
  ["websockets", python()],
  ["chromium", chromium()],
];
for (const [name, command] of commands) {
  if (!values.clients.split(",").includes(name)) continue;
  if (command === undefined) {
    console.log(`skipping ${name}, which is not installed`);
    if (process.env.CI) process.exit(1);
  } else {
    clients.set(name, (await started(name, command, "client")).worker);
  }
}

function python(): string[] | undefined {
  const program = "/usr/bin/python3";
  try {
    execFileSync(program, ["-c", "import websockets.legacy.client"], { stdio: "ignore" });
  } catch {
    return undefined;
  }
  return [program, "test/soak/clients/websockets_client.py", String(seed), "test/fixtures/tls/cert.pem"];
}

function chromium(): string[] | undefined {
  const program = "/usr/bin/chromium";
  const isInstalled = existsSync(program) && existsSync("test/runtimes/node_modules/playwright-core");
  return isInstalled ? [...node("clients/chromium"), program, `https://localhost:${ports.tls}/`] : undefined;
}

const plan = new Plan(seed, {
  ports,
  proxy: proxy.ports,
  clients: [...clients.keys()],
  hasHttp2: serverName === "wsframe",
  longest,
});
const workers = [serverWorker, proxy.worker, ...clients.values()];
console.log(
  `server ${serverName}, seed ${seed}, ${seconds} s at ${rate} KiB/s; clients: ${[...clients.keys()].join(", ")}; ` +
    `Node ${process.versions.node}`,
);

// The state at rest.
await sleep(1000);
await serverWorker.sample();
const rest = serverWorker.samples.pop()!;
const began = performance.now();
const elapsed = (): number => (performance.now() - began) / 1000;

let isSampling: Promise<void> = Promise.resolve();
const idle = new Vitals();
async function sample(): Promise<void> {
  // This process is almost idle.
  const { p99 } = idle.late();
  for (const worker of workers) {
    worker.idle = p99;
    await worker.sample();
  }
  console.log(line(elapsed(), open.size, totals, serverWorker.samples));
}
const sampling = setInterval(() => (isSampling = sample()), INTERVAL * 1000);

let planned = 0;
while (elapsed() < seconds) {
  while (planned < rate * 1024 * elapsed() && open.size < MOST) {
    const order = plan.next();
    planned += sizeOf(order);
    open.set(order.id, { order, since: Date.now() });
    serverWorker.say({ type: "order", order });
  }
  await sleep(20);
  endOld();
}
clearInterval(sampling);
await isSampling;
const samples = serverWorker.samples.slice();
const ours = clients.get("wsframe")?.samples.slice() ?? [];
console.log(`no new connections from here on; ${open.size} are open`);
while (open.size > 0) {
  await sleep(100);
  endOld();
}
// Waits until everything left over from faults is gone.
await sleep(12_000);
await serverWorker.sample();
const last = serverWorker.samples.pop()!;
for (const figure of ["files", "handles"] as const) {
  // Allows for an idle HTTP/2 session and a timer.
  if (last[figure] > rest[figure] + 2) totals.wrong(`${figure} at rest: ${rest[figure]} before, ${last[figure]} after`);
}
if (last.connections > 0) totals.wrong(`the server has ${last.connections} connections left`);
const found = { server: trends(samples), client: ours.length > 0 ? trends(ours) : [] };
if (elapsed() >= LONG) {
  for (const [where, all] of Object.entries(found)) {
    for (const { figure, isFlat } of all) if (isFlat === false) totals.wrong(`${figure} of the ${where} is not flat`);
  }
}
console.log(summary({ totals, ...found, rest, last, samples, seconds: elapsed(), cpu: cpuOfChildren() }));
await Promise.all(workers.map((worker) => worker.end()));
process.exit(totals.isRight ? 0 : 1);
