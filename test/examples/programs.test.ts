// The examples that are not servers. Also checks that each example has a line in the README and a test.

import { execFile, spawnSync } from "node:child_process";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { readCaptures } from "../support/captures.ts";
import { commandOf, examples, readList } from "../support/examples.ts";
import { addPackages, newFolderWithExamples } from "../support/installed.ts";

const here = fileURLToPath(new URL(".", import.meta.url));
const runtimes = fileURLToPath(new URL("../runtimes/examples.runtime.ts", import.meta.url));

let folder: string;
beforeAll(() => {
  folder = newFolderWithExamples();
  addPackages(folder, ["pako"]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program in the folder, with its command from the README. Resolves with its output. */
function run(name: string, input = Buffer.alloc(0)): Promise<string> {
  return new Promise((resolve, reject) => {
    const [, ...args] = commandOf(name);
    const child = execFile(process.execPath, args, { cwd: folder }, (error, stdout) => {
      if (error) reject(error);
      else resolve(stdout);
    });
    child.stdin!.end(input);
  });
}

test("deflate-pako.mjs compresses without zlib", async () => {
  const lines = (await run("deflate-pako.mjs")).trim().split("\n");
  expect(lines).toHaveLength(3);
  for (const line of lines) {
    const [, characters, bytes] = /^text (\d+) characters in (\d+) bytes$/.exec(line)!;
    expect(Number(bytes)).toBeLessThan(Number(characters) / 4);
  }
});

test("statistics.mjs counts a recorded stream", async () => {
  const { directions } = readCaptures().find(({ name }) => name === "ws-ws-burst")!;
  const { frames, stream } = directions.find(({ role }) => role === "server")!;
  const output = await run("statistics.mjs", Buffer.from(stream));
  const payloadBytes = (opcode: number) =>
    frames.reduce((sum, frame) => sum + (frame.opcode === opcode ? frame.payloadLength : 0), 0);
  expect(output).toContain(`frames: ${frames.length},`);
  const texts = frames.filter(({ opcode }) => opcode === 1).length;
  // All texts except the few that were split between chunks.
  expect(Number(/strings: (\d+)/.exec(output)![1])).toBeGreaterThan(texts - 10);
  expect(Number(/payloadBytes: (\d+)/.exec(output)![1])).toBeGreaterThanOrEqual(payloadBytes(2));
});

test("decoder-ws.mjs passes all rules except that of minimal lengths", { timeout: 300_000 }, () => {
  const root = fileURLToPath(new URL("../..", import.meta.url));
  const args = commandOf("decoder-ws.mjs").slice(4);
  const { status, stdout } = spawnSync(process.execPath, ["scripts/check-decoder.js", ...args, "--streams", "0"], {
    cwd: root,
    encoding: "utf8",
  });
  expect(stdout.match(/^FAIL .*/gm)).toEqual([expect.stringContaining("§5.2 a length takes as few bytes as possible")]);
  // The bytes at the first difference.
  expect(stdout).toContain("81 fe 00 [00] 37 fa");
  expect(status).toBe(1);
});

test("each example has a line in the README with its command, and a test", () => {
  const entries = readdirSync(examples).filter((name) => name !== "README.md");
  const names = entries.map((name) => (statSync(join(examples, name)).isDirectory() ? `${name}/` : name));
  const listed = readList();
  expect(listed.map(({ name }) => name).sort()).toEqual(names.sort());
  const files = readdirSync(here).map((name) => join(here, name));
  const tests = [...files, runtimes].map((file) => readFileSync(file, "utf8")).join("\n");
  for (const { name, command } of listed) {
    expect(command).toMatch(
      new RegExp(`^(node|deno run --allow-net|bun|npx workerd serve|npm run check-decoder --) examples/${name}`),
    );
    expect(tests, `a test of ${name}`).toContain(`"${name}"`);
  }
});

test("the sample recording of browser/ is one of the captures", () => {
  const captures = readCaptures().flatMap(({ directions }) => directions.map(({ stream }) => Buffer.from(stream)));
  const recorded = readFileSync(join(examples, "browser/recorded.bin"));
  expect(captures.some((stream) => recorded.subarray(-stream.length).equals(stream))).toBe(true);
});
