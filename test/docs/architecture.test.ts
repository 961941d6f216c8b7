// Checks what docs/architecture.md says about the source.

import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import { expect, test } from "vitest";
import * as memory from "../../assembly/memory.ts";
import { encodeFrame, Protocol, WebSocketError } from "../../src/index.ts";
import { root } from "./pages.ts";

const page = readFileSync(`${root}docs/architecture.md`, "utf8");

test("the memory map", () => {
  const number = (text: string) => Number(text.replaceAll(",", ""));
  const rows = [...page.matchAll(/^\| ([A-Z]+) +\| ([\d,]+) +\| ([\d,]+) +\|/gm)].map(([, name, from, size]) => ({
    name,
    from: number(from!),
    size: number(size!),
  }));
  const { KEYS, TABLE, WINDOW, WINDOW_SIZE, LANDING, OUTPUT, OUTPUT_SIZE, SHARED, SHARED_SIZE } = memory;
  expect(rows).toEqual([
    { name: "STATE", from: 0, size: KEYS },
    { name: "KEYS", from: KEYS, size: TABLE - KEYS },
    { name: "TABLE", from: TABLE, size: memory.MAX_RECORDS * memory.RECORD_SIZE },
    { name: "WINDOW", from: WINDOW, size: WINDOW_SIZE },
    { name: "LANDING", from: LANDING, size: WINDOW_SIZE },
    { name: "OUTPUT", from: OUTPUT, size: OUTPUT_SIZE },
    { name: "SHARED", from: SHARED, size: SHARED_SIZE },
  ]);
  // The page says "64 bytes are free on both sides of a window."
  const windows = rows.slice(3);
  for (const { from } of windows) {
    const before = rows[rows.findIndex((row) => row.from === from) - 1]!;
    expect(from - (before.from + before.size)).toBeGreaterThanOrEqual(64);
  }
  expect(memory.MEMORY_SIZE - OUTPUT - OUTPUT_SIZE).toBe(64);
});

test("imports go one way", () => {
  /** The other folders that a folder of src/ may import. Folders that are not listed are adapters. */
  const allowed: Record<string, RegExp> = {
    core: /^assembly\/memory\.ts$/,
    frame: /^src\/core\/|^assembly\/memory\.ts$/,
    handshake: /^src\/frame\/(extension|errors|bytes|options|known-options)\.ts$/,
    deflate:
      /^src\/frame\/(extension|errors|bytes|options|known-options|collector|message-errors|utf8)\.ts$|^src\/core\/hex\.ts$|^assembly\/deflate\/memory\.ts$/,
    protocol: /^src\/frame\/|^assembly\/memory\.ts$/,
  };
  /** Adapters may import the main entry, each other, and modules that read arguments and options. */
  const adapters =
    /^src\/((index|frame\/(bytes|header|keys|utf8|known-options|names-of-ws|shared)|handshake\/(syntax|accept|headers)|protocol\/(times|options|keepalive-times|idle|sliced-message|thread|turns))\.ts$|(?!core|frame|handshake|deflate|protocol)\w+\/)/;
  const wrong: string[] = [];
  for (const folder of readdirSync(`${root}src`, { withFileTypes: true })) {
    if (!folder.isDirectory()) continue;
    for (const file of readdirSync(`${root}src/${folder.name}`, { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts") || file.endsWith(".d.ts")) continue;
      const path = `src/${folder.name}/${file}`;
      for (const [, source] of readFileSync(`${root}${path}`, "utf8").matchAll(/^[^*/]*\bfrom "(\.[^"]+)"/gm)) {
        const target = posix.join(posix.dirname(path), source!);
        if (target.startsWith(`src/${folder.name}/`)) continue;
        if (!(allowed[folder.name] ?? adapters).test(target)) wrong.push(`${path}: ${target}`);
      }
    }
  }
  expect(wrong).toEqual([]);
});

test("modules below the adapters use no Node modules, clocks or timers", () => {
  for (const folder of ["core", "frame", "handshake", "deflate", "protocol"]) {
    for (const file of readdirSync(`${root}src/${folder}`, { recursive: true, encoding: "utf8" })) {
      if (!file.endsWith(".ts")) continue;
      const code = readFileSync(`${root}src/${folder}/${file}`, "utf8").replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
      expect(code, `${folder}/${file}`).not.toMatch(/from "node:|\bperformance\.|Date\.now|\bset(Timeout|Interval)\(/);
    }
  }
});

test("the states of a connection and their transitions", () => {
  const close = encodeFrame({ opcode: 0x8 }, { role: "client" });
  const failure = () =>
    new WebSocketError("WS_ERR_INTERNAL", "a test", { closeCode: 1011, byteOffset: 0, rule: "none" });
  /** The columns of the page's table, in order. */
  const inputs: ((protocol: Protocol) => unknown)[] = [
    (protocol) => protocol.receive(close),
    (protocol) => protocol.fail(failure()),
    (protocol) => protocol.close(1000),
    (protocol) => protocol.take(),
    (protocol) => protocol.receiveEnd(),
  ];
  /** How to reach each state. */
  const into: Record<string, (protocol: Protocol) => unknown> = {
    OPEN: () => {},
    ANSWERING: inputs[0]!,
    FAILING: inputs[1]!,
    CLOSING: inputs[2]!,
    CLOSED: (protocol) => [inputs[0]!(protocol), protocol.take()],
  };
  const stateOf = ({ state, canSend, error }: Protocol) => {
    if (state !== "closing") return state.toUpperCase();
    if (!canSend) return "CLOSING";
    return error === undefined ? "ANSWERING" : "FAILING";
  };
  const section = page.slice(page.indexOf("### The states of a connection"));
  const rows = section.slice(0, section.indexOf("`take({ holdClose: true })`")).matchAll(/^\| ([A-Z]+) +\|(.*)\|$/gm);
  const told = Object.fromEntries(
    [...rows].map(([, name, cells]) => [
      name,
      cells!
        .split("|")
        .slice(1)
        .map((cell) => /^(?:-|[A-Z]+)/.exec(cell.trim())?.[0]),
    ]),
  );
  const found = Object.fromEntries(
    Object.entries(into).map(([name, enter]) => [
      name,
      inputs.map((input, column) => {
        const protocol = new Protocol({ role: "server" });
        enter(protocol);
        expect(stateOf(protocol)).toBe(name);
        input(protocol);
        // fail() changes the content of an answer that is due, but not the state.
        const after = name === "ANSWERING" && column === 1 ? name : stateOf(protocol);
        return after === name ? "-" : after;
      }),
    ]),
  );
  expect(told).toEqual(found);
});
