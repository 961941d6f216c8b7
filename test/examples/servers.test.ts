// The example servers with clients of ws. They run in an empty folder in which the packed package is installed.

import { once } from "node:events";
import { rmSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { closeCode, expectBackpressure, expectEcho, expectRobust, nextMessages, open } from "../support/echo-client.ts";
import { type RunOptions, type Running, startExample } from "../support/examples.ts";
import { addPackages, newFolderWithExamples } from "../support/installed.ts";

let folder: string;
const running = new Set<Running>();

beforeAll(() => {
  folder = newFolderWithExamples();
  addPackages(folder, ["express", "fastify"]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
// An example that is still running has hung, or its test has failed.
afterEach(() => {
  for (const { child } of running) child.kill("SIGKILL");
  running.clear();
});

async function start(name: string, options: Omit<RunOptions, "folder"> = {}): Promise<Running> {
  const example = await startExample(name, { folder, ...options });
  running.add(example);
  return example;
}

/** Checks that an example closes its connections with 1001 on a signal, and exits by itself. */
async function expectGoodEnd(example: Running, clients: readonly WebSocket[], signal?: NodeJS.Signals): Promise<void> {
  const codes = Promise.all(clients.map(closeCode));
  expect(await example.stop(signal)).toBe(0);
  expect(await codes).toEqual(clients.map(() => 1001));
  running.delete(example);
}

describe.each(["echo.mjs", "sans-io.mjs"])("%s", (name) => {
  test("echoes with and without compression, survives broken peers, and closes on SIGTERM", async () => {
    const example = await start(name);
    await expectEcho(example.url, true);
    await expectEcho(example.url, false);
    await expectRobust(example.url);
    await expectGoodEnd(example, [await open(example.url), await open(example.url)]);
  });

  test("does not read from a client that does not read, and closes on Ctrl-C", async () => {
    const example = await start(name);
    await expectBackpressure(example.url);
    await expectGoodEnd(example, [await open(example.url)], "SIGINT");
    expect(example.output()).toMatch(/^listening on \S+\n$/);
  });
});

test("takes the port from the environment", async () => {
  const example = await start("echo.mjs", { args: [], env: { PORT: "0" } });
  await expectEcho(example.url, true);
  await expectGoodEnd(example, []);
});

describe.each(["express.mjs", "fastify.mjs"])("%s", (name) => {
  test("has routes and WebSocket on one port", async () => {
    const example = await start(name);
    const origin = new URL("/", example.url.replace("ws:", "http:")).href;
    const get = (path: string) => fetch(new URL(path, origin));
    expect(await (await get("/")).text()).toBe("WebSocket is at /live\n");
    expect((await get("/nothing")).status).toBe(404);
    await expectEcho(example.url, true);

    const clients = [await open(example.url), await open(example.url, { perMessageDeflate: false })];
    expect(await (await get("/connections")).json()).toEqual({ open: 2 });
    const heard = Promise.all(clients.map((client) => nextMessages(client, 1)));
    const announce = (type: string, body: string) =>
      fetch(new URL("/announce", origin), { method: "POST", headers: { "Content-Type": type }, body });
    expect(await (await announce("text/plain", "grüße 😀")).json()).toEqual({ sentTo: 2 });
    expect(await heard).toEqual([["grüße 😀"], ["grüße 😀"]]);
    expect((await announce("application/octet-stream", "x")).status).toBe(415);

    // `new URL("//", base)` would throw.
    for (const path of ["/elsewhere", "//"]) {
      const elsewhere = new WebSocket(`${origin.replace("http:", "ws:").slice(0, -1)}${path}`);
      const status = await new Promise((resolve) => {
        elsewhere.on("unexpected-response", (_request, response) => resolve(response.statusCode));
      });
      expect(status, path).toBe(404);
    }
    await expectGoodEnd(example, clients);
  });
});

describe("chat/", () => {
  const said = (data: string) => JSON.parse(data) as Record<string, unknown>;

  test("sends each message and the number of people to everyone, compressed or not", async () => {
    const example = await start("chat/");
    const page = await fetch(example.url.replace("ws:", "http:").replace("/chat", "/"));
    expect(page.headers.get("content-type")).toContain("text/html");
    expect(await page.text()).toContain("<form>");

    const ann = new WebSocket(example.url);
    const counts = nextMessages(ann, 2);
    await once(ann, "open");
    const bob = new WebSocket(example.url, { perMessageDeflate: false });
    const count = nextMessages(bob, 1);
    expect((await counts).map(said)).toEqual([1, 2].map((count) => ({ type: "people", count })));
    expect((await count).map(said)).toEqual([{ type: "people", count: 2 }]);
    expect([ann.extensions, bob.extensions]).toEqual(["permessage-deflate", ""]);
    const heard = Promise.all([ann, bob].map((client) => nextMessages(client, 1)));
    ann.send(JSON.stringify({ name: " Ann ", text: "grüße 😀" }));
    const messages = await heard;
    expect(messages[0]).toEqual(messages[1]);
    expect(said(messages[0]![0]!)).toEqual({ type: "said", name: "Ann", text: "grüße 😀", at: expect.any(Number) });

    const one = nextMessages(ann, 1);
    const code = closeCode(bob);
    bob.send(JSON.stringify({ name: "Bob" }));
    expect(await code).toBe(1008);
    expect(said((await one)[0]!)).toEqual({ type: "people", count: 1 });
    await expectGoodEnd(example, [ann]);
  });

  test("accepts its own page and other programs, but no other pages", async () => {
    const example = await start("chat/");
    const { host } = new URL(example.url);
    await open(example.url, { origin: `http://${host}` });
    await expect(open(example.url, { origin: "http://elsewhere.example" })).rejects.toThrow("403");
    await expect(open(example.url, { origin: "null" })).rejects.toThrow("403");
  });

  test("closes a client that does not read, without delaying others or filling memory", async () => {
    const example = await start("chat/");
    const stopped = await open(example.url, { perMessageDeflate: false });
    const code = closeCode(stopped);
    stopped.pause();
    const [talker, listener] = [await open(example.url), await open(example.url)];
    const state = { heard: 0, left: false };
    listener.on("message", (data) => {
      const { type, count } = said(String(data));
      if (type === "said") state.heard++;
      else state.left ||= count === 2;
    });
    // Each message has 2000 characters. A batch is smaller than the limit, and the readers receive it before the next
    // one is sent.
    const text = Array.from({ length: 2000 }, () => String.fromCharCode(97 + Math.random() * 26)).join("");
    for (let batch = 1; !state.left; batch++) {
      // 20 MiB are more than the socket buffers can hold.
      const count = batch <= 100 ? 100 : 0;
      for (let i = 0; i < count; i++) talker.send(JSON.stringify({ name: "Ann", text }));
      while (state.heard < 100 * Math.min(batch, 100)) await delay(1);
      if (batch > 100) await delay(50);
    }
    // The client's socket has been cut. The client reads the bytes that were on their way, and then the end.
    stopped.resume();
    expect([1006, 1013]).toContain(await code);
    const again = once(listener, "message");
    talker.send(JSON.stringify({ name: "Ann", text: "still here" }));
    expect(said(String((await again)[0]))).toMatchObject({ type: "said", text: "still here" });
    await expectGoodEnd(example, [talker, listener]);
  });
});

describe("cluster.mjs", () => {
  /** Opens connections until each process has one. The first message names the process. */
  async function openOnAll(url: string, count: number): Promise<Map<string, WebSocket>> {
    const clients = new Map<string, WebSocket>();
    while (clients.size < count) {
      // A connection that was handed to a dying process gets no answer.
      const client = new WebSocket(url, { handshakeTimeout: 2000 });
      const [greeting] = await nextMessages(client, 1).catch(() => []);
      if (greeting === undefined || clients.has(greeting)) client.terminate();
      else clients.set(greeting, client);
    }
    return clients;
  }

  const started = (args: string[]) => start("cluster.mjs", { args });

  test("shares one port, and forwards messages between processes", async () => {
    const example = await started(["0", "3"]);
    const clients = [...(await openOnAll(example.url, 3)).values()];
    const heard = Promise.all(clients.map((client) => nextMessages(client, 200)));
    for (let i = 0; i < 200; i++) clients[0]!.send(`${i} grüße`);
    const expected = Array.from({ length: 200 }, (_, i) => `${i} grüße`);
    expect(await heard).toEqual([expected, expected, expected]);
    await expectGoodEnd(example, clients);
  });

  test("replaces its processes one after another on SIGHUP, without a gap", async () => {
    const example = await started(["0", "2"]);
    const old = await openOnAll(example.url, 2);
    const codes = Promise.all([...old.values()].map(closeCode));
    let done = false;
    const visits = (async () => {
      for (const count = { welcome: 0, late: 0 }; ; await delay(5)) {
        if (done) return count;
        await open(example.url).then(
          (visitor) => {
            count.welcome++;
            visitor.terminate();
          },
          // The request reached a process that was about to exit.
          () => count.late++,
        );
      }
    })();
    example.child.kill("SIGHUP");
    expect(await codes).toEqual([1001, 1001]);
    done = true;
    const { welcome, late } = await visits;
    expect(welcome).toBeGreaterThan(10);
    expect(late).toBeLessThanOrEqual(2);
    const fresh = await openOnAll(example.url, 2);
    for (const name of fresh.keys()) expect([...old.keys()]).not.toContain(name);
    await expectGoodEnd(example, [...fresh.values()]);
  });

  test("replaces a process that has died", async () => {
    const example = await started(["0", "2"]);
    const clients = await openOnAll(example.url, 2);
    const [[name, client], [otherName]] = [...clients] as [[string, WebSocket], [string, WebSocket]];
    const code = closeCode(client);
    process.kill(Number(/\d+/.exec(name)![0]), "SIGKILL");
    expect(await code).toBe(1006);
    const after = await openOnAll(example.url, 2);
    expect([...after.keys()]).toContain(otherName);
    expect([...after.keys()]).not.toContain(name);
    clients.delete(name);
    await expectGoodEnd(example, [...clients.values(), ...after.values()]);
  });
});
