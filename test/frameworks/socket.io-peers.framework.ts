// Socket.IO with peers in other processes: two servers with Redis, Python as client and as server, and Chromium.

import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, onTestFinished, test } from "vitest";
import { pythonWith, without } from "../interop/support.ts";
import { find } from "../interop/sockets/process.ts";
import { loadLauncher } from "../support/chromium.ts";
import { isMissing, Peer, Program, run } from "./support.ts";
import { ways } from "./ways.ts";

const redis = spawnSync("redis-server", ["--version"]).status === 0 || without("redis-server", "redis-server");
const client = pythonWith("socketio, websocket, requests, aiohttp", "python3-socketio");
const flask = pythonWith("flask_socketio, geventwebsocket", "python3-flask-socketio");
const chromium = find(["/usr/bin/chromium"], "chromium");

const script = (name: string) => fileURLToPath(new URL(`peers/${name}`, import.meta.url));

/** Starts a Redis for this test. Returns the path of its socket. */
async function startRedis(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "wsframe-redis-"));
  const path = join(folder, "socket");
  const child = spawn("redis-server", ["--port", "0", "--unixsocket", path, "--save", "", "--dir", folder], {
    stdio: "ignore",
  });
  onTestFinished(() => {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });
  await expect.poll(() => existsSync(path), { timeout: 10_000 }).toBe(true);
  return path;
}

describe.skipIf(isMissing).each(ways)("Socket.IO on $name", ({ options, folder }) => {
  /** Starts programs/socket.io/server.js. Returns it and its port. */
  async function start(settings: { redis?: string; options?: object } = {}): Promise<{ server: Peer; port: number }> {
    const server = new Program("socket.io/server.js", [JSON.stringify(settings), ...folder], options);
    const { port } = (await server.next()) as { port: number };
    return { server, port };
  }

  test.skipIf(!redis)(
    "two processes with the Redis adapter share rooms, acknowledgements and disconnections",
    async () => {
      const path = await startRedis();
      const servers = await Promise.all([start({ redis: path }), start({ redis: path })]);
      const report = await run(
        "socket.io/cluster.js",
        servers.map(({ port }) => String(port)),
        options,
      );
      const room = ["of a", "bytes of d", 100_000];
      expect(report).toEqual({
        count: 3,
        got: [room, room, room, []],
        everybody: ["a", "b", "c", "d"],
        servers: 1,
        left: Array(3).fill("io server disconnect"),
        stays: true,
      });
      await Promise.all(servers.map(({ server }) => server.end()));
    },
  );

  describe.skipIf(!client)("python-socketio's client", () => {
    test.each([
      ["websocket-client", "threads", "websocket"],
      ["websocket-client", "threads", "polling,websocket"],
      ["aiohttp", "asyncio", "websocket"],
      ["aiohttp", "asyncio", "polling,websocket"],
    ])("on %s (%s), %s", async (_, kind, transports) => {
      const { server, port } = await start({ options: { perMessageDeflate: true } });
      const url = `http://127.0.0.1:${port}`;
      const python = new Peer([client!, "-W", "ignore", script("socketio_client.py"), kind, url, transports]);
      expect(await python.report()).toEqual({
        transport: "websocket",
        // This client offers no compression.
        how: ["websocket", ""],
        text: true,
        bytes: true,
        nested: true,
        join: ["room"],
        ask: 40,
        everybody: ["python"],
        said: ["text", "0102"],
        many: true,
        connected: false,
      });
      await server.end();
    });
  });

  test.skipIf(!chromium)("Chromium works with the served client, also after polling, and compressed", async () => {
    const { server, port } = await start({ options: { perMessageDeflate: true } });
    const browser = await loadLauncher<Browser>()(chromium!);
    onTestFinished(() => browser.close());
    const page = await browser.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => errors.push(message.text()));
    await page.goto(`http://127.0.0.1:${port}/`);
    await page
      .waitForFunction(() => document.title === "done", undefined, { timeout: 30_000 })
      .catch((error: unknown) => {
        throw new Error(`The page did not come to its end: ${errors.join("\n")}`, { cause: error });
      });
    const found = {
      how: ["websocket", "permessage-deflate"],
      text: true,
      bytes: true,
      blob: "blob",
      ask: 40,
      join: ["room"],
      many: true,
      said: ["text", [1, 2]],
      left: "io server disconnect",
    };
    expect(JSON.parse((await page.textContent("body"))!)).toEqual([found, found]);
    expect(errors).toEqual([]);
    await page.close();
    await server.end();
  });
});

// The part of playwright-core that is used here.
interface Browser {
  newPage(): Promise<Page>;
  close(): Promise<void>;
}

interface Page {
  on(event: "pageerror", listener: (error: Error) => void): void;
  on(event: "console", listener: (message: { text(): string }) => void): void;
  goto(url: string): Promise<unknown>;
  waitForFunction(condition: () => boolean, argument: undefined, options: { timeout: number }): Promise<unknown>;
  textContent(selector: string): Promise<string | null>;
  close(): Promise<void>;
}

describe.skipIf(isMissing || !flask)("socket.io-client and Flask-SocketIO on gevent-websocket", () => {
  test.each(["websocket", "polling,websocket"])("%s", async (transports) => {
    const server = new Peer([flask!, "-W", "ignore", script("flask_server.py")]);
    const { port } = (await server.next()) as { port: number };
    expect(await run("socket.io/client.js", [`http://127.0.0.1:${port}`, transports])).toEqual({
      how: "websocket",
      add: 42,
      text: true,
      bytes: true,
      nested: [1, "a", "b", null],
      answered: [40],
      said: [["for the room", "0102"], []],
      many: true,
      refused: "Connection rejected by server",
      ends: ["io server disconnect", "forced close"],
    });
    await server.end();
  });
});
