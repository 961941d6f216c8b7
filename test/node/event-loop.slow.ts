// Fifty connections receive 1 MiB of compressed JSON repeatedly. Measures the delay of the event loop, and of an echo
// elsewhere.

import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { setTimeout } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test } from "vitest";
import { perMessageDeflate } from "../../src/index.ts";
import { connect, type Connection } from "../../src/node/index.ts";

const CONNECTIONS = 50;
const WARM_UP = 1000;
const WATCHED = 3000;

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

interface Report {
  readonly sent: number;
  readonly p50: number;
  readonly p99: number;
  /** How long echoes take, in milliseconds, in ascending order. */
  readonly echoes: readonly number[];
}

async function watch(sliceSize: number): Promise<Report> {
  const script = fileURLToPath(new URL("./support/compressing-server.js", import.meta.url));
  const child: ChildProcess = fork(script, [String(sliceSize)]);
  ends.push(() => child.kill("SIGKILL"));
  const [port] = (await once(child, "message")) as [number];
  const open = async (path: string): Promise<Connection> => {
    const connection = await connect(`ws://127.0.0.1:${port}${path}`, {
      extensions: [perMessageDeflate()],
      directReads: false,
    });
    ends.push(() => connection.terminate());
    return connection;
  };
  const echo = await open("/echo");
  // The clients only read, because the server is measured.
  for (let i = 0; i < CONNECTIONS; i++) (await open("/long")).socket.removeAllListeners("data").resume();
  child.send("begin");
  await setTimeout(WARM_UP);
  child.send("watch");
  const echoes: number[] = [];
  for (const end = performance.now() + WATCHED; performance.now() < end;) {
    const began = performance.now();
    echo.send("small");
    await new Promise((resolve) => echo.once("message", resolve));
    echoes.push(performance.now() - began);
  }
  child.send("report");
  const [report] = (await once(child, "message")) as [Omit<Report, "echoes">];
  child.kill("SIGKILL");
  return { ...report, echoes: echoes.toSorted((a, b) => a - b) };
}

const median = (values: readonly number[]): number => values[values.length >> 1]!;

// Other work on the machine disturbs a measurement.
test("slices keep the event loop free, and each connection gets its share", { retry: 2 }, async () => {
  const whole = await watch(Infinity);
  const sliced = await watch(32768);
  const told = JSON.stringify({ whole, sliced }, (key, value: unknown) =>
    key === "echoes" ? [median(value as number[]), (value as number[]).at(-1)] : value,
  );
  // Without slices, fifty messages take one turn.
  expect(whole.p50, told).toBeGreaterThan(5 * sliced.p50);
  expect(sliced.p50, told).toBeLessThan(10);
  expect(sliced.p99, told).toBeLessThan(100);
  expect(median(whole.echoes), told).toBeGreaterThan(5 * median(sliced.echoes));
  expect(median(sliced.echoes), told).toBeLessThan(20);
  // Slices cost something, but not much.
  expect(sliced.sent, told).toBeGreaterThan(whole.sent / 3);
});
