// Checks which package the frameworks get from `require("ws")`.

import { createRequire } from "node:module";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { implementation, installed } from "./installed.ts";
import { isMissing } from "./support.ts";

/** Packages that depend on ws, in different versions. */
const USERS = [
  "@fastify/websocket",
  "@nestjs/platform-ws",
  "engine.io",
  "engine.io-client",
  "express-ws",
  "mqtt",
  "puppeteer-core",
  "socket.io-adapter",
  "webpack-dev-server",
];

describe.skipIf(isMissing)("the installed frameworks", () => {
  test.each(USERS)(`%s gets ${implementation}`, (name) => {
    const folder = join(installed[implementation], "node_modules", name);
    const load = createRequire(join(folder, "package.json"));
    expect(readName(load.resolve("ws/package.json"))).toBe(implementation);
    expect(load("ws")).toHaveProperty("Server");
  });

  test.runIf(implementation === "wsframe-ws")(
    "wsframe-ws is installed once, and ws only where the tests need it",
    () => {
      const all = readdirSync(installed["wsframe-ws"], { recursive: true, encoding: "utf8" })
        .filter((path) => /(^|\/)node_modules\/([^/]*)\/package\.json$/.test(path))
        .map((path) => [path, readName(join(installed["wsframe-ws"], path))] as const)
        .filter(([, name]) => name === "ws" || name === "wsframe-ws");
      expect(Object.fromEntries(all)).toEqual({
        "node_modules/ws/package.json": "wsframe-ws",
        "node_modules/real-ws/package.json": "ws",
      });
    },
  );
});

function readName(path: string): string {
  return (JSON.parse(readFileSync(path, "utf8")) as { name: string }).name;
}
