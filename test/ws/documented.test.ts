// Checks that all names in ws's types and all its error codes occur in the tests of this folder. This also finds
// names that a new version adds.

import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const folderOf = (name: string): string => dirname(createRequire(import.meta.url).resolve(`${name}/package.json`));

const tests = readdirSync(here("."))
  .filter((name) => name.endsWith(".test.ts") && name !== "documented.test.ts")
  .map((name) => readFileSync(here(name), "utf8"))
  .join("\n");
const types = readFileSync(`${folderOf("@types/ws")}/index.d.ts`, "utf8");

/** The text of the types from `start` to the closing line. */
function part(start: string): string {
  const from = types.indexOf(start);
  expect(from, start).toBeGreaterThan(0);
  const indent = /[ ]*$/.exec(types.slice(0, from))![0];
  return types.slice(from, types.indexOf(`\n${indent}}`, from));
}

/** The names of the members of a class or an interface, without inherited ones. */
function members(start: string): string[] {
  const text = part(start);
  const indent = /\n( +)\S/.exec(text)![1]!;
  const names = [...text.matchAll(new RegExp(`\\n${indent}(?:static |readonly )*(\\w+)\\??[:(<]`, "g"))].map(
    ([, name]) => name!,
  );
  return [...new Set(names)].filter((name) => !OF_EMITTERS.has(name));
}

const OF_EMITTERS = new Set(["constructor", "on", "once", "off", "addListener", "removeListener"]);

function missing(names: readonly string[]): string[] {
  expect(names.length).toBeGreaterThan(3);
  return names.filter((name) => !new RegExp(`\\b${name}\\b`).test(tests));
}

describe("has a test", () => {
  test.each([
    ["a server's options", "interface ServerOptions"],
    ["a client's options", "interface ClientOptions"],
    ["the options of compression", "interface PerMessageDeflateOptions"],
    ["WebSocket", "declare class WebSocket"],
    ["WebSocketServer", "class Server"],
  ])("%s", (_, start) => {
    expect(missing(members(start))).toEqual([]);
  });

  test.each(["declare class WebSocket", "class Server"])("the events of %s", (start) => {
    const events = [...part(start).matchAll(/event: ((?:"[\w-]+"(?: \| )?)+)/g)].flatMap(([, list]) =>
      list!.split(" | ").map((name) => name.slice(1, -1)),
    );
    expect(missing([...new Set(events)])).toEqual([]);
  });

  test("the error codes", () => {
    const lib = `${folderOf("ws")}/lib/`;
    const sources = readdirSync(lib).map((name) => readFileSync(`${lib}${name}`, "utf8"));
    const codes = sources.flatMap((source) => source.match(/WS_ERR_\w+/g) ?? []);
    expect(missing([...new Set(codes)])).toEqual([]);
  });
});
