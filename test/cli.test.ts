// Tests main() with streams of the test's own. The few tests that need a process run the built dist/cli.js.

import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { Io } from "../src/cli/io.ts";
import { main } from "../src/cli/main.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const cli = join(root, "dist/cli.js");
const captures = join(root, "test/fixtures/captures");

interface Result {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the command in this process. With `columns`, its output is a terminal of that width. */
async function wsframe(args: readonly string[], input: string | Uint8Array = "", columns?: number): Promise<Result> {
  const [stdout, stderr] = [collector(), collector()];
  if (columns !== undefined) Object.assign(stdout.stream, { isTTY: true, columns });
  const stdin = Readable.from([Buffer.from(input)]);
  const io: Io = { stdin, stdout: stdout.stream, stderr: stderr.stream };
  await main(args, io);
  return { status: Number(io.exitCode ?? 0), stdout: stdout.text(), stderr: stderr.text() };
}

function collector() {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}

/** Runs the command as a process. */
function start(args: readonly string[], input: string | Uint8Array = "", program: string = cli): Result {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...args], { input, encoding: "utf8" });
  return { status, stdout, stderr };
}

/** Inspects bytes from standard input, without measuring the speed. */
function inspect(input: string | Uint8Array, ...args: string[]): Promise<Result> {
  return wsframe(["inspect", "--no-speed", "-", ...args], input);
}

/** The lines of a table between its head and the next empty line. */
function tableOf({ stdout }: Result): string[] {
  const lines = stdout.split("\n");
  const from = lines.findIndex((line) => line.trimStart().startsWith("offset  opcode")) + 1;
  expect(from).toBeGreaterThan(0);
  return lines.slice(from, lines.indexOf("", from));
}

interface JsonFrame {
  readonly offset: number;
  readonly opcode: number;
  readonly name: string;
  readonly payloadLength: number;
  readonly maskKey: string | null;
  readonly [field: string]: unknown;
}

interface JsonDirection {
  readonly file: string;
  readonly role: string;
  readonly httpLength: number;
  readonly frames: readonly JsonFrame[];
  readonly framesLeftOut: number;
  readonly error: Record<string, unknown> | null;
  readonly incomplete: Record<string, unknown> | null;
  readonly trailing: Record<string, unknown> | null;
  readonly summary: Record<string, unknown>;
  readonly speed?: Record<string, Record<string, number>>;
}

function json({ stdout }: Result): JsonDirection[] {
  return JSON.parse(stdout) as JsonDirection[];
}

interface Expected {
  readonly httpLength: number;
  readonly frames: readonly Record<string, unknown>[];
  /** The messages that a receiver would deliver, including control frames. */
  readonly messages: readonly { readonly type: string }[];
  readonly trailing?: { readonly offset: number; readonly byteLength: number };
}

function expectedOf(name: string): Record<"client" | "server", Expected> {
  return JSON.parse(readFileSync(join(captures, name, "expected.json"), "utf8")) as ReturnType<typeof expectedOf>;
}

/** The fields that a frame has both in expected.json and in the output of `--json`. */
function headerOf(frame: Readonly<Record<string, unknown>>): unknown[] {
  const { fin, rsv, opcode, masked, maskKey, payloadLength, payloadOffset } = frame;
  return [
    frame["headerOffset"] ?? frame["offset"],
    fin,
    rsv,
    opcode,
    masked,
    maskKey ?? null,
    payloadLength,
    payloadOffset,
  ];
}

/** `text` "hi" masked with 01020304, and a close with 1000. */
const CLIENT_HEX = "8182 01020304 696b 8882 00000000 03e8";
const RESPONSE = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n";
const REQUEST = "GET /chat HTTP/1.1\r\nHost: a\r\nUpgrade: WebSocket\r\n\r\n";

let scratch: string;
beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "wsframe-cli-"));
  vi.stubEnv("NO_COLOR", undefined);
});
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

describe("captures", () => {
  const names = readdirSync(captures);

  it("there are at least twelve", () => expect(names.length).toBeGreaterThanOrEqual(12));

  it.each(names)("%s: --json has the recorded frames", async (name) => {
    const result = await wsframe(["inspect", "--json", join(captures, name)]);
    expect(result.stderr).toBe("");
    expect(result.status).toBe(0);
    const directions = json(result);
    const expected = expectedOf(name);
    expect(directions.map(({ role }) => role)).toEqual(["server", "client"]);
    for (const [i, sender] of (["client", "server"] as const).entries()) {
      const { frames, messages, httpLength, trailing } = expected[sender];
      const direction = directions[i]!;
      expect(direction.file).toBe(join(captures, name, `${sender}.bin`));
      expect(direction.httpLength).toBe(httpLength);
      expect(direction.error).toBeNull();
      expect(direction.incomplete).toBeNull();
      expect(direction.framesLeftOut).toBe(0);
      const inData = messages.filter(({ type }) => type === "text" || type === "binary");
      expect(direction.summary).toMatchObject({ frames: frames.length, messages: inData.length });
      expect(direction.frames.map(headerOf)).toEqual(frames.map(headerOf));
      expect(direction.trailing ? [direction.trailing["offset"], direction.trailing["length"]] : undefined).toEqual(
        trailing && [trailing.offset, trailing.byteLength],
      );
    }
  });

  it("previews unmasked payloads, across fragments and inside characters", async () => {
    const [client] = json(await wsframe(["inspect", "--json", join(captures, "ws-ws-fragments")]));
    expect(client!.frames.slice(0, 6)).toMatchObject([
      // This string ends inside a character.
      { name: "text", fin: false, hex: "4772c3bcc39f652c20d0bcd0b8d1802c20e4", truncated: false },
      { name: "continuation", fin: false, text: "" },
      { name: "continuation", fin: true },
      { name: "text", text: "G" },
      { name: "continuation", text: "r" },
      { name: "continuation", hex: "c3" },
    ]);
    expect(client!.frames.at(-1)).toMatchObject({ name: "close", closeCode: 4001, reason: "später, 👋" });
  });

  it("recognizes compressed messages and all of their fragments", async () => {
    const [client] = json(await wsframe(["inspect", "--json", join(captures, "ws-ws-fragments-deflate")]));
    expect(client!.frames.slice(0, 3)).toMatchObject([
      { name: "text", rsv: 4, compressed: true },
      { name: "continuation", rsv: 0, compressed: true, hex: "000000ffff" },
      { name: "continuation", rsv: 0, compressed: true },
    ]);
    expect(client!.frames.filter(({ name }) => name === "ping").every(({ compressed }) => compressed === false)).toBe(
      true,
    );
  });
});

describe("input", () => {
  const bytes = Buffer.from(CLIENT_HEX.replaceAll(" ", ""), "hex");
  const rows = [
    '     0  text          FIN  ·    01020304       2  "hi"',
    "     8  close         FIN  ·    00000000       2  1000 normal closure",
  ];

  it.each([
    ["raw bytes", bytes],
    ["hex text", CLIENT_HEX],
    ["hex text in capitals on lines", `${CLIENT_HEX.toUpperCase().replaceAll(" ", "\n")}\r\n`],
    ["a list of bytes", Array.from(bytes, (byte) => `0x${byte.toString(16).padStart(2, "0")}`).join(", ")],
    ["bytes with colons", Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(":")],
  ])("%s", async (_name, input) => {
    const result = await inspect(input);
    expect(result.stderr).toBe("");
    expect(result.status).toBe(0);
    expect(tableOf(result)).toEqual(rows);
    expect(result.stdout).toContain("role server (from the first MASK bit)");
  });

  it("reads a file without a head, from a server", async () => {
    const file = join(scratch, "server.raw");
    writeFileSync(file, Buffer.from("81026869", "hex"));
    const result = await wsframe(["inspect", "--no-speed", file]);
    expect(tableOf(result)).toEqual(['     0  text          FIN  ·         2  "hi"']);
    expect(result.stdout).toMatch(/^server → client .*server\.raw {2}4 bytes\n/);
  });

  it.each([
    [REQUEST, "client → server", "server"],
    [RESPONSE, "server → client", "client"],
  ])("a head sets the role and moves the offsets: %j", async (head, way, role) => {
    const frame = role === "server" ? bytes : Buffer.from("81026869", "hex");
    const result = await inspect(Buffer.concat([Buffer.from(head), frame]));
    expect(result.stdout).toMatch(new RegExp(`^${way} `));
    expect(result.stdout).toContain(`role ${role} (from the HTTP head), frames from byte ${head.length} on`);
    expect(tableOf(result)[0]).toMatch(new RegExp(`^ *${head.length} {2}text`));
  });

  it("reads a head without frames", async () => {
    const result = await inspect(REQUEST);
    expect(result.status).toBe(0);
    expect(result.stdout).toContain("no frames\n");
  });

  it("in a directory, the response decides about permessage-deflate", async () => {
    const directory = join(scratch, "both");
    mkdirSync(directory);
    const offer = REQUEST.replace("Host: a", "Sec-WebSocket-Extensions: foo, Permessage-Deflate; a=1");
    const compressed = Buffer.from("c1800000 0000".replaceAll(" ", ""), "hex");
    writeFileSync(join(directory, "client.bin"), Buffer.concat([Buffer.from(offer), compressed]));
    writeFileSync(join(directory, "server.bin"), RESPONSE);
    // The client sends a compressed message that was not agreed on.
    const refused = await wsframe(["inspect", "--json", directory]);
    expect(json(refused)[0]!.error).toMatchObject({ code: "WS_ERR_UNEXPECTED_RSV_1", byteOffset: offer.length });
    expect(refused.status).toBe(1);
    // The stream has no response, so only the offer is known.
    expect((await wsframe(["inspect", "--json", join(directory, "client.bin")])).status).toBe(0);
    const accepted = RESPONSE.replace("\r\n\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n");
    writeFileSync(join(directory, "server.bin"), accepted);
    expect((await wsframe(["inspect", "--json", directory])).status).toBe(0);
    expect((await wsframe(["inspect", "--json", "--rsv", "0", directory])).status).toBe(1);
  });

  it("--role and --rsv override", async () => {
    expect(json(await inspect("81026869", "--json", "--role", "server"))[0]).toMatchObject({
      role: "server",
      error: { code: "WS_ERR_EXPECTED_MASK", byteOffset: 1 },
    });
    expect((await inspect("c10100")).status).toBe(2);
    expect((await inspect("c10100")).stderr).toContain("--rsv 4");
    expect(json(await inspect("c10100", "--json", "--rsv", "4"))[0]!.frames).toMatchObject([
      { rsv: 4, compressed: true },
    ]);
  });
});

describe("the table", () => {
  const burst = join(captures, "chromium-ws-burst/client.bin");

  it("shows 20 frames, and always the last one", async () => {
    const rows = tableOf(await wsframe(["inspect", "--no-speed", burst]));
    expect(rows).toHaveLength(21);
    expect(rows[17]!.trim()).toBe("… 1,981 more frames");
    expect(rows[0]).toBe('   501  text          FIN  ·    f1ca3fc4      15  "message 0  🚀"');
    expect(rows[20]).toMatch(/close .*1000 normal closure$/);
  });

  it.each([
    ["1", 2, "2,000"],
    ["5", 6, "1,996"],
  ])("--limit %s", async (limit, lines, skipped) => {
    const rows = tableOf(await wsframe(["inspect", "--no-speed", "--limit", limit, burst]));
    expect(rows).toHaveLength(lines);
    expect(rows.some((row) => row.trim() === `… ${skipped} more frames`)).toBe(true);
  });

  it.each([["--all"], ["--limit=0"], ["--limit=2001"]])("%s shows every frame", async (option) => {
    const rows = tableOf(await wsframe(["inspect", "--no-speed", option, burst]));
    expect(rows).toHaveLength(2001);
    expect(rows.some((row) => row.includes("more frame"))).toBe(false);
  });

  it("--limit also applies to --json", async () => {
    const [direction] = json(await wsframe(["inspect", "--json", "--limit", "8", burst]));
    expect(direction!.frames).toHaveLength(8);
    expect(direction!.framesLeftOut).toBe(1993);
    expect(direction!.summary).toMatchObject({ frames: 2001 });
  });

  it("is 100 columns wide without a terminal", async () => {
    const { stdout } = await inspect(`81fe03e8 00000000 ${"61".repeat(1000)} 82fe03e8 00000000 ${"61".repeat(1000)}`);
    const rows = stdout.split("\n").filter((line) => line.includes("1000"));
    expect(rows).toHaveLength(2);
    expect(rows[0]).toMatch(/"a+"…$/);
    expect(rows[0]).toHaveLength(100);
    expect(rows[1]).toMatch(/ 61 61 …$/);
    expect(rows[1]!.length).toBeLessThanOrEqual(100);
    expect(rows[1]!.length).toBeGreaterThan(96);
  });

  it("is as wide as the terminal, but at least 72 columns", async () => {
    const input = `81fe03e8 00000000 ${"61".repeat(1000)}`;
    for (const [columns, width] of [
      [120, 120],
      [40, 72],
    ] as const) {
      const { stdout } = await wsframe(["inspect", "--no-speed", "--no-color", "-"], input, columns);
      expect(stdout.split("\n").find((line) => line.includes("aaa"))).toHaveLength(width);
    }
  });

  it("does not let a payload control the terminal", async () => {
    const hostile = Buffer.from("\x1b[2J\r\n\t\u202e\u009b1m\\\x7f", "utf8");
    const head = Buffer.from(REQUEST.replace("/chat", "/\x1b[31m"));
    const result = await inspect(
      Buffer.concat([head, Buffer.from([0x81, 0x80 | hostile.length, 0, 0, 0, 0]), hostile]),
    );
    expect(result.status).toBe(0);
    expect(result.stdout).toContain('"\\x1b[2J\\r\\n\\t\\u{202e}\\x9b1m\\\\\\x7f"');
    expect(result.stdout).toContain("GET /\\x1b[31m HTTP/1.1");
    // oxlint-disable-next-line no-control-regex
    expect(result.stdout).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]/);
  });

  it("is followed by the counts", async () => {
    const { stdout } = await wsframe(["inspect", "--no-speed", burst]);
    expect(stdout).toContain("frames  2,001: 1,800 text, 200 binary, 1 close; 2,000 messages\n");
    expect(stdout).toContain("bytes   71,586 on the wire: 59,580 of payload, 12,006 of headers (17 %)\n");
  });
});

describe("errors in a stream", () => {
  it("are shown after the frames before them, with the byte marked", async () => {
    // "hi", then a text whose third byte is wrong, masked with 01020304.
    const result = await inspect("8182 01020304 696b 8184 01020304 6063 fc65");
    expect(result.status).toBe(1);
    expect(result.stderr).toBe("");
    expect(tableOf(result)).toEqual([
      '     0  text          FIN  ·    01020304       2  "hi"',
      '     8  text          FIN  ·    01020304       4  "aa"…',
      "  error at byte 16: Text must be valid UTF-8 (RFC 6455 §8.1)",
      "    WS_ERR_INVALID_UTF8, close code 1007, in the frame that starts at byte 8",
      "    from byte 8:  81 84 01 02 03 04 60 63 fc 65",
      "                                          ^^",
      "    unmasked:                       61 61 ff 61",
    ]);
  });

  it("have offsets from the start of the file", async () => {
    const bytes = Buffer.concat([Buffer.from(RESPONSE), Buffer.from("810268698300", "hex")]);
    const at = RESPONSE.length + 4;
    const [direction] = json(await inspect(bytes, "--json"));
    expect(direction!.frames).toHaveLength(1);
    expect(direction!.error).toEqual({
      code: "WS_ERR_INVALID_OPCODE",
      closeCode: 1002,
      byteOffset: at,
      rule: "RFC 6455 §5.2",
      message: "The opcode is reserved",
      frameOffset: at,
      frame: null,
      bytesOffset: at - 4,
      // These are only bytes of frames. The head before them is not shown.
      bytes: "810268698300",
    });
    expect((await inspect(bytes)).stdout).toContain(`error at byte ${at}: The opcode is reserved (RFC 6455 §5.2)\n`);
  });

  it("mark a missing byte, too", async () => {
    expect(tableOf(await inspect("8102e282")).slice(-2)).toEqual([
      "    from byte 0:  81 02 e2 82 --",
      "                              ^^",
    ]);
  });

  it("reports a frame that is cut in its payload", async () => {
    const result = await inspect("8102 6869 827e 0100 0102");
    expect(result.status).toBe(0);
    expect(tableOf(result)).toEqual([
      '     0  text          FIN  ·         2  "hi"',
      "     4  binary        FIN  ·       256  01 02 …",
      "  the stream ends inside the frame at byte 4: 254 of its 256 payload bytes missing",
    ]);
    expect(json(await inspect("8102 6869 827e 0100 0102", "--json"))[0]).toMatchObject({
      frames: [{ offset: 0 }],
      incomplete: { offset: 4, present: 6, missing: 254, missingOf: "payload", frame: { payloadLength: 256 } },
      summary: { frames: 1, wireBytes: 4 },
    });
  });

  it.each([
    ["82", null, "after 1 byte of its header: at least 1 byte missing"],
    ["82fe01", 5, "after 3 bytes of its header: 5 bytes missing"],
    ["82ff00000000000000", 5, "after 9 bytes of its header: 5 bytes missing"],
  ])("reports a header that is cut: %s", async (hex, missing, text) => {
    const whole = `8180 00000000 ${hex}`;
    expect((await inspect(whole)).stdout).toContain(`the stream ends inside the frame at byte 6, ${text}\n`);
    expect(json(await inspect(whole, "--json"))[0]!.incomplete).toMatchObject({
      offset: 6,
      missing,
      missingOf: "header",
    });
  });

  it("reports bytes after a Close", async () => {
    const result = await inspect("8900 8802 03e8 8102 6869");
    expect(result.status).toBe(0);
    expect(tableOf(result).at(-1)).toBe("  4 bytes after the Close, from byte 6 on, ignored: 81 02 68 69");
    expect(json(await inspect("8900 8802 03e8 8102 6869", "--json"))[0]).toMatchObject({
      trailing: { offset: 6, length: 4, hex: "81026869" },
      summary: { frames: 2, wireBytes: 6 },
    });
    const capture = await wsframe([
      "inspect",
      "--no-speed",
      join(captures, "websocket-client-flask-sock-gevent/server.bin"),
    ]);
    expect(capture.stdout).toMatch(/66 bytes after the Close, .* ignored: "HTTP\/1\.1 400 Bad Request\\r\\n/);
  });
});

describe("exit codes and messages", () => {
  const oneLine = /^wsframe: [^\n]+\n$/;

  it.each([
    ["an empty file", "", /standard input: the file is empty/],
    ["another response", "HTTP/1.1 400 Bad Request\r\n\r\n", /not 101 Switching Protocols/],
    ["another request", "POST / HTTP/1.1\r\nHost: a\r\n\r\n", /has no "Upgrade: websocket"/],
    ["half a head", "GET / HTTP/1.1\r\nUpgrade: websocket\r\n", /the HTTP head is incomplete/],
    ["text", "Hello, world\n", /not a WebSocket stream/],
    ["white space", "\n", /not a WebSocket stream/],
    ["zeros", new Uint8Array(100), /not a WebSocket stream/],
    ["half a byte of hex", "8102686", /only one digit/],
  ])("refuses %s", async (_name, input, message) => {
    const result = await inspect(input);
    expect(result.status).toBe(2);
    expect(result.stdout).toBe("");
    expect(result.stderr).toMatch(oneLine);
    expect(result.stderr).toMatch(message);
  });

  it.each([
    ["a missing file", "missing.bin", /no such file/],
    ["a directory of something else", "", /the directory must contain client\.bin and server\.bin/],
  ])("refuses %s", async (_name, path, message) => {
    const directory = mkdtempSync(join(scratch, "empty-"));
    const result = await wsframe(["inspect", join(directory, path)]);
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(oneLine);
    expect(result.stderr).toMatch(message);
  });

  it("continues after a wrong file, which takes precedence over a broken rule", async () => {
    const result = await wsframe(["inspect", "--no-speed", join(scratch, "nothing"), "-"], "8102ffff");
    expect(result.status).toBe(2);
    expect(result.stderr).toMatch(oneLine);
    expect(result.stdout).toContain("WS_ERR_INVALID_UTF8");
    expect((await wsframe(["inspect", "--no-speed", "-", join(scratch, "nothing")], "8102ffff")).status).toBe(2);
  });

  it.each([
    [[], "no command given: use inspect or load"],
    [["inspect"], "no file given"],
    [["show", "x"], "unknown command show: use inspect or load"],
    [["inspect", "--foo", "x"], "wsframe: unknown option --foo ("],
    [["inspect", "--role", "peer", "x"], "--role must be server or client"],
    [["inspect", "--rsv", "8", "x"], "--rsv must be a whole number from 0 to 7"],
    [["inspect", "--limit", "-1", "x"], "--limit needs a value; write --limit=-x if the value starts with a dash"],
    [["inspect", "--limit=1.5", "x"], "--limit must be a whole number of 0 or more, not 1.5"],
    [["inspect", "x", "--limit"], "--limit needs a value ("],
    [["inspect", "--json=1", "x"], "--json does not take a value"],
    [["inspect", "-", "-"], "standard input can be read only once"],
  ])("refuses a wrong command line: %j", async (args, message) => {
    const result = await wsframe(args);
    expect(result.status).toBe(2);
    expect(result.stdout).toBe("");
    expect(result.stderr).toContain(message);
    expect(result.stderr).toMatch(/^wsframe: [^\n]+ \(see wsframe --help\)\n$/);
  });

  it("are also those of the process", () => {
    const broken = start(["inspect", "--no-speed", "-"], "8102ffff");
    expect([broken.status, broken.stderr]).toEqual([1, ""]);
    expect(broken.stdout).toContain("WS_ERR_INVALID_UTF8");
    const missing = start(["inspect", join(scratch, "nothing")]);
    expect([missing.status, missing.stdout]).toEqual([2, ""]);
    expect(missing.stderr).toMatch(oneLine);
  });

  it("--help and --version", async () => {
    for (const args of [["--help"], ["inspect", "--help"], ["-h"]]) {
      const help = await wsframe(args);
      expect(help.status).toBe(0);
      expect(help.stdout).toMatch(/^Usage: wsframe inspect/);
      expect(help.stdout).toMatch(/^ {2}1 {2}a stream breaks a rule/m);
    }
    const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as { version: string };
    expect(start(["--version"])).toEqual({ status: 0, stdout: `${version}\n`, stderr: "" });
  });

  it("are kept when the reader stops early", async () => {
    const recorded = readFileSync(join(captures, "ws-ws-burst/server.bin"));
    const broken = join(scratch, "broken.bin");
    // A reserved opcode instead of the Close.
    writeFileSync(broken, Buffer.concat([recorded.subarray(0, -7), Buffer.of(0x83)]));
    const child = spawn(process.execPath, [cli, "inspect", "--all", broken]);
    let complaints = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (complaints += text));
    await once(child.stdout, "data");
    child.stdout.destroy();
    // This is the exit code for the stream, which breaks a rule at its end.
    expect(await once(child, "close")).toEqual([1, null]);
    expect(complaints).toBe("");
  });
});

describe("colours", () => {
  it("are off for pipes, unless requested", async () => {
    expect((await inspect("81026869")).stdout).not.toContain("\x1b");
    expect((await inspect("81026869", "--color")).stdout).toContain("\x1b[32mtext\x1b[39m");
    expect((await inspect("81026869", "--color", "--no-color")).stdout).not.toContain("\x1b");
  });

  it("are on for terminals, unless NO_COLOR is set", async () => {
    const args = ["inspect", "--no-speed", "-"];
    expect((await wsframe(args, "81026869", 80)).stdout).toContain("\x1b[32mtext\x1b[39m");
    vi.stubEnv("NO_COLOR", "1");
    expect((await wsframe(args, "81026869", 80)).stdout).not.toContain("\x1b");
    vi.stubEnv("NO_COLOR", undefined);
  });
});

describe("the speed", () => {
  it("is compared with ws", async () => {
    const result = await wsframe(["inspect", join(captures, "ws-ws-fragments/server.bin")]);
    expect(result.stdout).toMatch(/ {2}speed {3}push\(\) +[\d.,]+ frames\/s +[\d.,]+ MB\/s {2}[\d.]+ × ws\n/);
    expect(result.stdout).toMatch(/decode\(\) +[\d.,]+ frames\/s +[\d.,]+ MB\/s {2}[\d.]+ × ws\n/);
    expect(result.stdout).toMatch(/ws 8\.23\.0 +[\d.,]+ frames\/s +[\d.,]+ MB\/s\n/);
  });

  it("is measured up to the last whole message before an error or a Close", async () => {
    // A message, an unfinished message, and an error.
    const [direction] = json(await wsframe(["inspect", "--json", "--speed", "-"], "8102 6869 0101 68 8300"));
    expect(direction!.speed!["sample"]).toEqual({ bytes: 4, frames: 1, deliveries: 1 });
    expect(direction!.speed!["push"]!["framesPerSecond"]).toBeGreaterThan(0);
    expect(direction!.speed!["ws"]!["framesPerSecond"]).toBeGreaterThan(0);
    expect((await wsframe(["inspect", "-"], "8800")).stdout).toContain("speed   no complete message to measure\n");
  });

  it("is not compared with ws if messages are compressed", async () => {
    const { stdout } = await wsframe(["inspect", join(captures, "ws-ws-fragments-deflate/client.bin")]);
    expect(stdout).toMatch(/push\(\) +[\d.,]+ frames\/s/);
    expect(stdout).toContain("ws: not compared, because it would have to inflate the compressed messages\n");
    expect(stdout).not.toContain("× ws");
  });

  it("is shown without ws, too", async () => {
    const copy = join(scratch, "without-ws");
    cpSync(join(root, "dist"), join(copy, "dist"), { recursive: true });
    cpSync(join(root, "package.json"), join(copy, "package.json"));
    const result = start(["inspect", "-"], "81026869", join(copy, "dist/cli.js"));
    expect(result).toMatchObject({ status: 0, stderr: "" });
    expect(result.stdout).toContain("ws: not installed\n");
  });

  it("is omitted with --no-speed and --json", async () => {
    expect((await inspect("81026869")).stdout).not.toContain("speed");
    expect(json(await wsframe(["inspect", "--json", "-"], "81026869"))[0]).not.toHaveProperty("speed");
  });
});
