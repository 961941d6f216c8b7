// Runs a program for each framework and library. A program has steps, and prints their names when all have passed.

import { describe, expect, test } from "vitest";
import { find } from "../interop/sockets/process.ts";
import { implementation } from "./installed.ts";
import { isMissing, run } from "./support.ts";

/** Programs whose clients have the API of ws. They must work with any server. */
const SERVERS = [
  "crossws",
  "express-ws",
  "fastify",
  "graphql-ws",
  "hono",
  "http-proxy",
  "nest",
  "partysocket",
  "trpc",
  "yjs",
];

/** Programs whose libraries accept a constructor like that of browsers. */
const CLIENTS = ["graphql-ws", "partysocket", "trpc", "yjs"];

/** Programs whose libraries load ws themselves, on both sides. */
const OTHERS = ["mqtt"];

/** Programs that need a browser. */
const WITH_CHROMIUM = ["puppeteer", "webpack"];
const chromium = find(["/usr/bin/chromium"], "chromium");

const steps = expect.arrayContaining([expect.any(String)]);

describe.skipIf(isMissing)(`with ${implementation}`, () => {
  test.each([...SERVERS, ...OTHERS])("%s", async (name) => {
    expect(await run(`${name}.js`)).toEqual(steps);
  });

  test.skipIf(chromium === undefined).each(WITH_CHROMIUM)("%s", async (name) => {
    expect(await run(`${name}.js`, [chromium!])).toEqual(steps);
  });
});

describe.skipIf(isMissing || implementation === "ws")(
  "with the other modules of wsframe, and with clients of ws",
  () => {
    test.each(SERVERS)("%s, with clients of ws", async (name) => {
      expect(await run(`${name}.js`, [], { env: { CLIENT: "real-ws" } })).toEqual(steps);
    });

    test.each(CLIENTS)("%s, with the WebSocket of wsframe/websocket", async (name) => {
      expect(await run(`${name}.js`, [], { env: { CLIENT: "wsframe/websocket" } })).toEqual(steps);
    });

    test("crossws, with the adapter of wsframe/crossws", async () => {
      expect(await run("crossws.js", [], { env: { ADAPTER: "wsframe/crossws" } })).toEqual(steps);
    });
  },
);
