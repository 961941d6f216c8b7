// The socket benchmark: its load generator in C, and short runs of the whole benchmark.

import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Handler, start, type StartOptions } from "./support/servers.ts";

const path = (name: string): string => fileURLToPath(new URL(`../../bench/${name}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "wsframe-bench-"));
const program = join(folder, "load");
afterAll(() => rmSync(folder, { recursive: true }));

interface Percentiles {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

interface Found {
  readonly messages: number;
  readonly seconds: number;
  readonly cpu: number;
  readonly latency: Percentiles;
  readonly lateness: Percentiles;
}

interface Ended {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

function end(command: string, args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    const { UWS_DIR: _, ...env } = process.env;
    execFile(command, args, { env }, (error, stdout, stderr) => {
      resolve({ status: error ? Number(error.code ?? -1) : 0, stdout, stderr });
    });
  });
}

/** Runs load.c on a server with this handler. */
async function load(
  options: Record<string, number | string | true>,
  handle?: Handler,
  server?: StartOptions,
): Promise<Ended> {
  const { port } = await start(handle, server);
  const all: Record<string, number | string | true> = {
    port,
    connections: 2,
    size: 1000,
    "warm-up": 0.1,
    duration: 0.3,
    ...options,
  };
  const args = Object.entries(all).flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [`--${name}`, `${value}`],
  );
  return end(program, args);
}

function found({ status, stdout, stderr }: Ended): Found {
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  return JSON.parse(stdout) as Found;
}

function compiles(): boolean {
  try {
    execFileSync(process.env.CC ?? "cc", ["-O2", "-Wall", "-Werror", "-o", program, path("e2e/load.c"), "-ldl"], {
      stdio: "pipe",
    });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    return false; // no compiler
  }
}

function hasTls(): boolean {
  try {
    execFileSync(program, ["--can-tls"]);
    return true;
  } catch {
    return false;
  }
}

const canCompile = compiles();
const canTls = canCompile && hasTls();

/** Echoes all but one letter of one message. */
const wrong: Handler = (socket, data, isBinary, number) => {
  const bytes = data as Buffer;
  if (number === 3) bytes[bytes.length - 1]! ^= 1;
  socket.send(bytes, { binary: isBinary });
};

/** Returns the content of a broadcast message, as load.c expects it. */
function letters(message: number, size: number): string {
  return Array.from({ length: size }, (_, i) => String.fromCharCode(97 + ((message * 7 + i * 3) % 26))).join("");
}

/**
 * Runs load.c on a server that broadcasts two messages for each one that it receives. `change` can change a message.
 */
async function broadcast(change: (text: string, message: number) => string): Promise<Ended> {
  const clients = new Set<{ send(text: string): void }>();
  let sent = 0;
  const { port } = await start(
    () => {
      for (let i = 0; i < 2; i++, sent++) for (const each of clients) each.send(change(letters(sent, 100), sent));
    },
    {},
    (socket) => clients.add(socket),
  );
  const options = { port, connections: 3, size: 100, "in-flight": 4, broadcast: 2, "warm-up": 0.1, duration: 0.3 };
  return end(
    program,
    Object.entries(options).flatMap(([name, value]) => [`--${name}`, `${value}`]),
  );
}

describe.runIf(canCompile)("load.c", () => {
  const transports: [string, Record<string, true>, StartOptions][] = [["in the clear", {}, {}]];
  if (canTls) transports.push(["over TLS", { tls: true }, { tls: true }]);

  test.each(transports)("counts echoed messages %s", async (_, options, server) => {
    for (const size of [0, 32, 1000, 100_000]) {
      for (const kind of [{}, { binary: true as const }]) {
        const { messages, seconds, cpu } = found(
          await load({ ...options, ...kind, size, "in-flight": 5 }, undefined, server),
        );
        expect(messages).toBeGreaterThan(0);
        expect(seconds).toBeGreaterThan(0.25);
        expect(cpu).toBeGreaterThan(0);
      }
    }
  });

  test.each(transports)("stops at a wrong byte %s", async (_, options, server) => {
    for (const way of [{ "in-flight": 1 }, { "in-flight": 50 }, { rate: 500 }]) {
      const { status, stdout, stderr } = await load({ ...options, ...way }, wrong, server);
      expect({ status, stdout, stderr }).toEqual({
        status: 1,
        stdout: "",
        stderr: "load: an answer: unexpected data\n",
      });
    }
  });

  test("stops if the server disconnects or refuses", async () => {
    const { stderr } = await load({ "in-flight": 1 }, (socket) => socket.terminate());
    expect(stderr).toMatch(/^load: read: /);
    const refused = await load({ "in-flight": 1 }, undefined, { verifyClient: () => false });
    expect(refused.stderr).toMatch(/^load: the status: /);
  });

  test("keeps a rate, and counts latency from when a message was due", async () => {
    let stalled = false;
    const stall: Handler = (socket, data, isBinary, number) => {
      if (number === 40 && !stalled) {
        stalled = true;
        const until = performance.now() + 500;
        while (performance.now() < until) continue;
      }
      socket.send(data as Buffer, { binary: isBinary });
    };
    const { messages, latency, lateness } = found(await load({ rate: 400, "warm-up": 0, duration: 1 }, stall));
    expect(stalled).toBe(true);
    expect(messages).toBeLessThanOrEqual(401);
    // Half of the messages were due during the stall, and each one counts. If each waited for the previous answer,
    // only one would count.
    expect(latency.p90).toBeGreaterThan(200);
    expect(latency.max).toBeGreaterThan(450);
    expect(Object.values(latency)).toEqual(Object.values(latency).toSorted((a, b) => a - b));
    expect(lateness.p50).toBeLessThan(latency.p90);
  });

  test("receives and compares broadcasts", async () => {
    const good = found(await broadcast((text) => text));
    // Each turn sends two messages to each of three connections.
    expect(good.messages).toBeGreaterThan(6);
    const bad = await broadcast((text, message) => (message === 3 ? text.replace(/.$/, "?") : text));
    expect(bad).toEqual({ status: 1, stdout: "", stderr: "load: an answer: unexpected data\n" });
  });
});

interface FoundCompressed extends Found {
  readonly bytes: number;
  readonly agreed: string;
  readonly compared: boolean;
}

describe.runIf(canCompile)("load.c with recordings", () => {
  const recordings = join(folder, "recordings");
  const options = { recordings, "in-flight": 4, size: 0 };
  beforeAll(async () => {
    const module = new URL("../../bench/e2e/recordings.js", import.meta.url).href;
    const { writeRecordings } = (await import(module)) as { writeRecordings: (file: string, what: object) => void };
    // There are few messages, so that they repeat many times. The second connection has different ones.
    writeRecordings(recordings, { corpus: "json1k", streams: 2, messages: 5 });
  });

  const plain: Handler = (socket, data) => socket.send(data as Buffer, { binary: false, compress: false });
  const noTakeover = { serverNoContextTakeover: true, clientNoContextTakeover: true };
  const ways: [string, object, string, Handler | undefined][] = [
    ["with context takeover", {}, "permessage-deflate", undefined],
    [
      "without context takeover",
      noTakeover,
      "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
      undefined,
    ],
    ["that are not compressed", {}, "permessage-deflate", plain],
  ];

  test.each(ways)("inflates and compares answers %s", async (_, way, agreed, handle) => {
    const perMessageDeflate = { threshold: 0, ...way };
    const counted = found(await load(options, handle, { perMessageDeflate })) as FoundCompressed;
    expect(counted).toMatchObject({ agreed, compared: true });
    // These are enough to have sent every recording several times.
    expect(counted.messages).toBeGreaterThan(20);
    const answer = counted.bytes / counted.messages;
    if (handle === plain) expect(answer).toBeGreaterThan(900);
    else expect(answer).toBeLessThan(700);
  });

  test("stops at a wrong byte", async () => {
    for (const compress of [true, false]) {
      const handle: Handler = (socket, data, _, number) => {
        const bytes = data as Buffer;
        if (number === 3) bytes[bytes.length - 1]! ^= 1;
        socket.send(bytes, { binary: false, compress });
      };
      const ended = await load(options, handle, { perMessageDeflate: { threshold: 0 } });
      expect(ended).toEqual({ status: 1, stdout: "", stderr: "load: an answer: unexpected data\n" });
    }
  });

  test("stops if the server declines compression", async () => {
    const { stderr } = await load(options);
    expect(stderr).toBe("load: without permessage-deflate, the response: unexpected data\n");
  });
});

interface Ratio {
  readonly ours: string;
  readonly theirs: string;
  readonly ratio: number;
  readonly goal?: number;
  readonly met?: boolean;
}

interface Result {
  readonly name: string;
  readonly goals: Record<string, number>;
  readonly measured: Record<string, { rate: number; loadShare: number }>;
  readonly ratios: readonly Ratio[];
  readonly latency?: Record<string, Percentiles & { rate: number }>;
}

describe("bench:e2e", () => {
  const json = join(folder, "run.json");
  const run = async (...args: string[]): Promise<string> => {
    const { status, stdout, stderr } = await end(process.execPath, [path("e2e/run.js"), "--quick", ...args]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    return stdout;
  };

  const results = (): readonly Result[] => (JSON.parse(readFileSync(json, "utf8")) as { results: Result[] }).results;

  test("measures, compares with goals and with an earlier run", { timeout: 120_000 }, async () => {
    const printed = await run("16 KiB text", "--json", json);
    expect(printed).toMatch(/ws .* server +\d+ %, load +\d+ % of a core.*wsframe: [\d.]+ x +goal 3 x/);
    const [one, ...others] = results();
    expect(others).toEqual([]);
    const { wsframe, ws } = one!.measured;
    expect(one!.ratios.find(({ theirs }) => theirs === "ws")).toEqual({
      ours: "wsframe",
      theirs: "ws",
      ratio: wsframe!.rate / ws!.rate,
      goal: 3,
      met: wsframe!.rate / ws!.rate >= 3,
    });
    // uWebSockets has a goal, but is not installed, so it is not judged.
    expect(one!.goals.uws).toBe(1.1);
    expect(one!.ratios.some(({ theirs }) => theirs === "uws")).toBe(false);
    expect(await run("16 KiB text", "--compare", json)).toContain(`Since ${json}`);
  });

  test("measures latency at half the rate, over TLS, and draws it", { timeout: 120_000 }, async () => {
    await run("TLS: 32 B", "--json", json);
    const [one] = results();
    const { wsframe, ws } = one!.latency!;
    expect(wsframe!.rate).toBe(Math.round(one!.measured.wsframe!.rate / 2));
    expect(wsframe!.p50).toBeGreaterThan(0);
    expect(ws!.max).toBeGreaterThanOrEqual(ws!.p999);

    const drawn = await end(process.execPath, [path("chart.js"), json, "--out", folder]);
    expect({ status: drawn.status, stderr: drawn.stderr }).toEqual({ status: 0, stderr: "" });
    expect(drawn.stdout).toContain("| TLS: 32 B text, one in flight on 50 | ws |");
    const chart = readFileSync(join(folder, "benchmarks-e2e.svg"), "utf8");
    expect(chart).toContain("goal: 1.4 x");
    expect(chart).not.toMatch(/NaN|undefined/);
    expect(readFileSync(join(folder, "benchmarks-summary.svg"), "utf8")).not.toMatch(/NaN|undefined/);
  });

  test.runIf(canCompile)("measures broadcasts", { timeout: 120_000 }, async () => {
    await run("broadcast", "--json", json);
    expect(results().map(({ name }) => name)).toEqual([
      "broadcast: 100 B to 1,000, one per turn",
      "broadcast: 100 B to 1,000, ten per turn",
    ]);
    for (const { measured } of results()) {
      expect(measured.wsframe!.rate).toBeGreaterThan(1000);
      expect(measured.ws!.rate).toBeGreaterThan(1000);
      expect(measured.ws!.loadShare).toBeGreaterThan(0);
    }
  });
});
