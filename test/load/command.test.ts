// The built `wsframe load`, in its own process.

import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import { type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { progressLine } from "../../src/cli/load-summary.ts";
import type { LoadReport } from "../../src/load/index.ts";
import { atEnd, start } from "./support/servers.ts";

const cli = fileURLToPath(new URL("../../dist/cli.js", import.meta.url));
const SHORT = ["-c", "3", "-d", "0.3", "--warm-up", "0.1", "--answer-timeout", "10", "--close-timeout", "10"];

interface Command {
  readonly process: ChildProcess;
  readonly stderr: () => string;
  readonly done: Promise<{ status: number | null; stdout: string; stderr: string; milliseconds: number }>;
}

function wsframe(args: readonly string[], runner: readonly string[] = [process.execPath], input = ""): Command {
  const { NO_COLOR: _, ...env } = process.env;
  const begin = performance.now();
  const child = spawn(runner[0]!, [...runner.slice(1), cli, ...args], { env, stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end(input);
  let stdout = "";
  let stderr = "";
  child.stdout.on("data", (chunk) => (stdout += chunk));
  child.stderr.on("data", (chunk) => (stderr += chunk));
  atEnd(() => child.kill("SIGKILL"));
  const done = once(child, "close").then(([status]) => ({
    status: status as number | null,
    stdout,
    stderr,
    milliseconds: performance.now() - begin,
  }));
  return { process: child, stderr: () => stderr, done };
}

test("prints the report, and nothing on stderr unless that is a terminal", async () => {
  const server = await start();
  const { status, stdout, stderr } = await wsframe(["load", ...SHORT, server.url]).done;
  expect(stderr).toBe("");
  expect(status).toBe(0);
  expect(stdout).toMatch(
    new RegExp(
      [
        `^${server.url}`,
        "3 connections, text messages of 32 bytes, 1 in flight on each",
        "",
        "  messages [\\d,]+/s: [\\d,]+ answers in 0\\.\\d\\d s",
        "  payload  [\\d.]+ [kM]?B/s each way: [\\d,]+ bytes",
        "  latency  p50 [\\d.]+ ms   p90 [\\d.]+ ms   p99 [\\d.]+ ms   p99\\.9 [\\d.]+ ms   max [\\d.]+ ms",
        "  total    ([\\d,]+) sent, \\1 answered, none wrong",
        "  load     \\d+ % of a core, event loop busy \\d+ % of the time.*",
        "$",
      ].join("\n"),
    ),
  );
  expect(Number(/ ([\d,]+) sent/.exec(stdout)![1]!.replaceAll(",", ""))).toBe(server.received);
});

test("prints the report of load() as one document with --json", async () => {
  const server = await start();
  const args = ["load", server.url, ...SHORT, "--json", "-b", "-s", "500", "-f", "10"];
  const { status, stdout, stderr } = await wsframe(args).done;
  expect([status, stderr]).toEqual([0, ""]);
  const report = JSON.parse(stdout) as LoadReport;
  expect(stdout).toBe(`${JSON.stringify(report)}\n`);
  expect(report.options).toEqual({
    connections: 3,
    size: 500,
    messages: null,
    answers: "echo",
    inFlight: 10,
    rate: null,
    binary: true,
    compress: false,
  });
  expect(report.total.sent).toBe(server.received);
  expect(report.total.received).toBe(server.received);
  expect(server.bytes).toBe(500 * server.received);
  expect(Object.keys(report.latency)).toEqual(["count", "min", "mean", "p50", "p90", "p99", "p999", "max"]);
});

test("passes the other options on", async () => {
  const seen: unknown[] = [];
  const server = await start(undefined, {
    tls: true,
    perMessageDeflate: { threshold: 0 },
    verifyClient: ({ req }: { req: IncomingMessage }) => {
      seen.push([
        req.headers["x-one"],
        req.headers["x-two"],
        req.headers["sec-websocket-protocol"],
        req.headers.origin,
      ]);
      return true;
    },
  });
  const options = [
    "-r",
    "200",
    "--compress",
    "--insecure",
    "--protocol",
    "a",
    "--protocol",
    "b",
    "--origin",
    "http://x",
  ];
  const args = ["load", server.url, ...SHORT, "-c", "1", ...options, "-H", "X-One: 1", "-H", "X-Two:2: 3", "--json"];
  const { status, stdout } = await wsframe(args).done;
  expect(status).toBe(0);
  expect(seen).toEqual([["1", "2: 3", "a, b", "http://x"]]);
  const report = JSON.parse(stdout) as LoadReport;
  expect(report.connections.compressed).toBe(true);
  expect(report.options.rate).toBe(200);
  expect(report.messages).toBeLessThan(100);
});

test.each(["SIGINT", "SIGTERM"] as const)("ends the run on %s, and prints the report", async (signal) => {
  let heard: (() => void) | undefined;
  const running = new Promise<void>((resolve) => (heard = resolve));
  const server = await start((socket, data, isBinary, number) => {
    socket.send(data as Buffer, { binary: isBinary });
    if (number === 50) heard!();
  });
  // Without a signal, it would run for 10 s.
  const command = wsframe(["load", server.url, "-c", "2", "--warm-up", "0", "--json"]);
  await running;
  command.process.kill(signal);
  const { status, stdout, stderr, milliseconds } = await command.done;
  expect([status, stderr]).toEqual([0, ""]);
  expect(milliseconds).toBeLessThan(8000);
  const report = JSON.parse(stdout) as LoadReport;
  expect(report).toMatchObject({ interrupted: true, ok: true });
  expect(report.messages).toBeGreaterThan(0);
  expect(report.total.received).toBe(server.received);
  expect(server.closed).toEqual([1000, 1000]);
});

test("says that nothing was measured if the run ends during the warm-up", async () => {
  let heard: (() => void) | undefined;
  const running = new Promise<void>((resolve) => (heard = resolve));
  const server = await start((socket, data, isBinary, number) => {
    socket.send(data as Buffer, { binary: isBinary });
    if (number === 50) heard!();
  });
  const command = wsframe(["load", server.url, "-c", "2", "--warm-up", "60"]);
  await running;
  command.process.kill("SIGINT");
  const { status, stdout } = await command.done;
  expect(status).toBe(0);
  expect(stdout).toContain("\n  messages nothing was measured, because the run ended too early\n  total    ");
  expect(stdout).not.toMatch(/bottleneck|latency/);
});

test.each([
  [["-d", "0"], "--duration must be a number of seconds from 0.001 to 2147483.647"],
  [["--warm-up", "1e9"], "--warm-up must be a number of seconds from 0 to 2147483.647"],
  [["-f", "0"], "--in-flight must be a whole number from 1 to 1000000000"],
  [["--handshake-timeout", "0"], "--handshake-timeout must be a number of seconds from 0.001 to 2147483.647"],
  [["-a", "2000000"], "--answers must be a whole number from 0 to 1000000"],
  [["-a", "0", "-f", "1"], '--in-flight does not apply if answers is 0 or "any": leave it out'],
  [["-m", "a", "-s", "1"], "--size does not apply to your own messages: leave it out"],
])("refuses %j with the names and units of the command line", async (args, message) => {
  const { status, stderr } = await wsframe(["load", "ws://127.0.0.1:1", ...args]).done;
  expect([status, stderr]).toEqual([2, `wsframe: ${message} (see wsframe load --help)\n`]);
});

test("sends your own messages from the command line, then those from files", async () => {
  const folder = mkdtempSync(join(tmpdir(), "wsframe-load-"));
  atEnd(() => rmSync(folder, { recursive: true }));
  const lines = join(folder, "lines.txt");
  const array = join(folder, "array.json");
  // The file has a byte order mark, an empty line, and no line break at the end.
  writeFileSync(lines, '\ufeff[2,"1","Heartbeat",{}]\r\n\n  spaces  \nlast');
  writeFileSync(array, JSON.stringify(["two\nlines", { type: "ping" }, 7, ""]));
  const seen: string[] = [];
  const server = await start((socket, data) => {
    seen.push((data as Buffer).toString());
    socket.send("ok");
    socket.send("done");
  });
  const own = ["-m", "first", "--message-file", lines, "--message", "second", "--message-file", array];
  const args = ["load", server.url, ...SHORT, "-c", "1", ...own, "--answers", "2"];
  const { status, stdout, stderr } = await wsframe(args).done;
  expect([status, stderr]).toEqual([0, ""]);
  expect(seen.slice(0, 10)).toEqual([
    "first",
    "second",
    '[2,"1","Heartbeat",{}]',
    "  spaces  ",
    "last",
    "two\nlines",
    '{"type":"ping"}',
    "7",
    "",
    "first",
  ]);
  expect(stdout).toContain("\n1 connection, 9 messages of your own, 1 in flight on each\n");
  expect(stdout).toMatch(/ {2}messages [\d,.]+\/s: [\d,]+ answered in 0\.\d\d s\n/);
  expect(stdout).toMatch(/ {2}payload {2}[\d.]+ [kM]?B\/s sent: [\d,]+ bytes\n/);
  expect(stdout).toMatch(/ {2}total {4}[\d,]+ sent, [\d,]+ answers, not compared\n/);
});

test("sends messages from standard input to a server that does not answer", async () => {
  let first: string | undefined;
  const server = await start((_socket, data) => void (first ??= (data as Buffer).toString()));
  const command = wsframe(
    ["load", server.url, ...SHORT, "--message-file", "-", "-a", "0", "-r", "500"],
    undefined,
    "in\n",
  );
  const { status, stdout } = await command.done;
  expect(status).toBe(0);
  expect(first).toBe("in");
  expect(stdout).toMatch(/ {2}messages [\d,.]+\/s: [\d,]+ sent in 0\.\d\d s, of [\d,]+ due\n/);
  expect(stdout).toMatch(/ {2}total {4}[\d,]+ sent\n/);
  expect(stdout).not.toContain("latency");
});

test.each([
  ["missing.txt", undefined, "no such file"],
  ["empty.txt", "\n\n", "the file has no messages"],
  ["latin1.txt", Buffer.from([0xe4, 0x0a]), "the file is not UTF-8"],
  ["object.json", "{}", "the JSON must be an array of messages"],
  ["broken.json", '["a",\n\x1b\nb', "the file is not valid JSON: "],
  ["none.json", "[]", "the file has no messages"],
])("says in one line what is wrong with the file %s", async (name, content, message) => {
  const folder = mkdtempSync(join(tmpdir(), "wsframe-load-"));
  atEnd(() => rmSync(folder, { recursive: true }));
  const file = join(folder, name);
  if (content !== undefined) writeFileSync(file, content);
  const { status, stdout, stderr } = await wsframe(["load", "ws://127.0.0.1:1", "--message-file", file]).done;
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr.startsWith(`wsframe: ${file}: ${message}`)).toBe(true);
  expect(stderr.indexOf("\n")).toBe(stderr.length - 1);
});

test("exits at once on a second Ctrl-C", async () => {
  let heard: (() => void) | undefined;
  const running = new Promise<void>((resolve) => (heard = resolve));
  // This server never answers.
  const server = await start(() => heard!());
  const command = wsframe(["load", server.url, "--answer-timeout", "60"]);
  await running;
  command.process.kill("SIGINT");
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(command.process.exitCode).toBe(null);
  command.process.kill("SIGINT");
  const { status, stdout } = await command.done;
  expect([status, stdout]).toEqual([130, ""]);
});

test("prints errors and exits with 1 if answers are wrong or missing", async () => {
  const server = await start((socket, data, isBinary, number) => {
    if (number === 5) socket.send("something else");
    else if (number < 10) socket.send(data as Buffer, { binary: isBinary });
  });
  const { status, stdout } = await wsframe(["load", server.url, ...SHORT, "--answer-timeout", "2"]).done;
  expect(status).toBe(1);
  expect(stdout).toContain("33 sent, 30 answered, 3 of them wrong, 3 unanswered");
  expect(stdout).toContain("error    3 × MISMATCH: text of 32 bytes was answered with text of 14 bytes\n");
  expect(stdout).toContain("error    3 × UNANSWERED: ");
});

test("exits with 2 if no connection can be opened", async () => {
  const server = createServer((_, response) => response.writeHead(503).end());
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => server.close());
  const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const { status, stdout } = await wsframe(["load", url, ...SHORT]).done;
  expect(status).toBe(2);
  expect(stdout).toContain("3 connections of 3 could not be opened\n");
  expect(stdout).toContain("error    3 × WS_ERR_HANDSHAKE_STATUS: ");
  expect(stdout).not.toContain("latency");
});

test.each([
  [["load"], "no URL given"],
  [["load", "ws://a", "ws://b"], "load accepts only one URL"],
  [["load", "nowhere"], "Invalid URL"],
  [["load", "ftp://localhost"], "The scheme of the URL must be ws, wss, http or https"],
  [["load", "ws://localhost", "-c", "0"], "--connections must be a whole number from 1 to 65536"],
  [["load", "ws://localhost", "-d", "soon"], "--duration must be a number, not soon"],
  [["load", "ws://localhost", "-H", "none"], '--header must be "Name: value", not none'],
  [["load", "ws://localhost", "--nothing"], "unknown option --nothing"],
  [["load", "ws://localhost", "--warmup", "1"], "unknown option --warmup: did you mean --warm-up?"],
  [["load", "ws://localhost", "-m", "-x"], "-m needs a value; write -m-x if the value starts with a dash"],
  [["load", "ws://localhost", "-a", "some"], "--answers must be a whole number, echo or any, not some"],
  [["--json", "load", "ws://localhost"], "load must be the first argument"],
])("exits with 2 and says what is wrong with %j", (args, message) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [cli, ...args], { encoding: "utf8" });
  expect([status, stdout]).toEqual([2, ""]);
  expect(stderr).toBe(`wsframe: ${message} (see wsframe ${args[0] === "load" ? "load " : ""}--help)\n`);
});

test("prints help of at most 85 columns with --help", () => {
  const { status, stdout } = spawnSync(process.execPath, [cli, "load", "--help"], { encoding: "utf8" });
  expect(status).toBe(0);
  expect(stdout).toMatch(/^Usage: wsframe load \[options\] URL\n/);
  for (const line of stdout.split("\n")) expect(line.length).toBeLessThanOrEqual(85);
});

test("formats a line of progress", () => {
  const progress = {
    phase: "measuring",
    elapsed: 2512,
    connections: 50,
    received: 1_000_000,
    messagesPerSecond: 98_123.4,
    errors: 0,
    mismatches: 0,
  } as const;
  expect(progressLine(progress, {})).toBe("measuring 2.5 of 10.0 s   50 connections   98,123 messages/s");
  expect(progressLine({ ...progress, phase: "ending", errors: 1, mismatches: 2 }, {})).toBe(
    "ending 2.5 s   50 connections   98,123 messages/s   1 error   2 wrong answers",
  );
});

// `script` of util-linux runs a program in a terminal.
const hasScript = spawnSync("script", ["--version"]).status === 0;
test.skipIf(!hasScript)("updates a line of progress on a terminal, and removes it at the end", async () => {
  const server = await start();
  const line = [process.execPath, cli, "load", server.url, ...SHORT, "-d", "0.8"].join(" ");
  const child = spawn("script", ["-qec", line, "/dev/null"], { stdio: ["ignore", "pipe", "inherit"] });
  let output = "";
  child.stdout.on("data", (chunk) => (output += chunk));
  const [status] = await once(child, "close");
  expect(status).toBe(0);
  const written = output.split("\r\x1b[K");
  expect(
    written.filter((text) => /^measuring 0\.\d of 0\.8 s {3}3 connections {3}[\d,]+ messages\/s$/.test(text)).length,
  ).toBeGreaterThanOrEqual(1);
  expect(written.at(-1)!.startsWith("\x1b[1mws:")).toBe(true);
  expect(written.at(-1)).not.toContain("measuring");
});
