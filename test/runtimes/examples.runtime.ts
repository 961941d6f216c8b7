// Runs the examples for other runtimes than Node as their README says, and the example pages in Chromium.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from "vitest";
import { WebSocketServer } from "ws";
import { closeCode, expectBackpressure, expectEcho, expectRobust, open } from "../support/echo-client.ts";
import { examples, type RunOptions, type Running, startExample } from "../support/examples.ts";
import { type Browser, findBrowser, type Page } from "./browser.ts";
import { findRuntime } from "./support.ts";

const deno = findRuntime("Deno", "@deno/linux-x64-glibc/deno", /(?<=^deno )\d+\.\d+\.\d+/);
const bun = findRuntime("Bun", "@oven/bun-linux-x64/bin/bun", /^\d+\.\d+\.\d+/);
const workerd = findRuntime("workerd", "@cloudflare/workerd-linux-64/bin/workerd", /\d{4}-\d\d-\d\d/);
const startBrowser = findBrowser();

const running = new Set<Running>();
afterEach(() => {
  for (const { child } of running) child.kill("SIGKILL");
  running.clear();
});

async function start(name: string, options: Omit<RunOptions, "folder"> = {}): Promise<Running> {
  const example = await startExample(name, { folder: inject("folder"), ...options });
  running.add(example);
  return example;
}

/** Everything that an echo server must do, except how it ends. */
async function expectEchoServer(url: string): Promise<void> {
  await expectEcho(url, true);
  await expectEcho(url, false);
  await expectRobust(url);
  await expectBackpressure(url);
}

async function expectGoodEnd(example: Running): Promise<void> {
  const clients = [await open(example.url), await open(example.url)];
  const codes = Promise.all(clients.map(closeCode));
  expect(await example.stop()).toBe(0);
  expect(await codes).toEqual([1001, 1001]);
}

test.skipIf(!deno)("deno.mjs echoes, survives faulty peers, and ends cleanly", async () => {
  const example = await start("deno.mjs", { executable: deno!.executable, args: ["0"] });
  await expectEchoServer(example.url);
  await expectGoodEnd(example);
});

test.skipIf(!bun)("bun.mjs echoes, survives faulty peers, and ends cleanly", async () => {
  const example = await start("bun.mjs", { executable: bun!.executable });
  await expectEchoServer(example.url);
  await expectGoodEnd(example);
});

test.skipIf(!bun)("echo.mjs runs on Bun", async () => {
  const example = await start("echo.mjs", { executable: bun!.executable });
  await expectEcho(example.url, true);
  await expectGoodEnd(example);
});

test.skipIf(!deno)("echo.mjs runs on Deno", async () => {
  const flags = ["run", "--allow-net"];
  const example = await start("echo.mjs", { executable: deno!.executable, flags });
  await expectEcho(example.url, true);
  await expectGoodEnd(example);
});

describe.skipIf(!workerd)("workers/", () => {
  /** Starts the Worker on free ports. Resolves with its addresses. */
  async function startWorker(feed: string): Promise<{ http: string; tcp: string }> {
    const [http, tcp] = [await freePort(), await freePort()];
    const sockets = [`--socket-addr=http=127.0.0.1:${http}`, `--socket-addr=tcp=127.0.0.1:${tcp}`];
    await start("workers/", {
      executable: workerd!.executable,
      flags: ["serve"],
      args: sockets,
      env: { FEED: feed },
      port: http,
    });
    return { http: `http://127.0.0.1:${http}/`, tcp: `ws://127.0.0.1:${tcp}/` };
  }

  async function freePort(): Promise<number> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port } = server.address() as { port: number };
    server.close();
    return port;
  }

  test("echoes over TCP", async () => {
    const { tcp } = await startWorker("ws://127.0.0.1:1/");
    await expectEchoServer(tcp);
  });

  test("passes the messages of a server on as events, and disconnects when its client does", async () => {
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: true });
    await once(server, "listening");
    const left = new Promise<number>((resolve) => {
      server.on("connection", (end) => {
        end.on("close", resolve);
        // A Worker notices that its client is gone when it sends something.
        const timer = setInterval(() => end.send("more"), 100);
        end.on("close", () => clearInterval(timer));
        end.send("one\nof two lines, grüße 😀");
        end.send(Buffer.of(1, 2, 3));
        end.send("two");
      });
    });
    const { port } = server.address() as { port: number };
    const { http } = await startWorker(`ws://127.0.0.1:${port}/feed`);
    const leave = new AbortController();
    const response = await fetch(http, { signal: leave.signal });
    expect(response.headers.get("content-type")).toBe("text/event-stream");
    let events = "";
    for await (const text of response.body!.pipeThrough(new TextDecoderStream())) {
      events += text;
      if (events.includes("two\n\n")) break;
    }
    expect(events).toMatch(/^data: one\ndata: of two lines, grüße 😀\n\ndata: two\n\n/);
    leave.abort();
    // The Close has no code.
    expect(await left).toBe(1005);
    server.close();
  });

  test("answers 502 if there is no server, and ends the events when the server ends", async () => {
    const { http } = await startWorker("ws://127.0.0.1:1/");
    expect((await fetch(http)).status).toBe(502);

    const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
    await once(server, "listening");
    server.on("connection", (end) => {
      end.send("bye");
      end.close(1000);
    });
    const { port } = server.address() as { port: number };
    const worker = await startWorker(`ws://127.0.0.1:${port}/`);
    expect(await (await fetch(worker.http)).text()).toBe("data: bye\n\n");
    server.close();
  });
});

describe.skipIf(!startBrowser)("pages in Chromium", () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser!();
  });
  afterAll(() => browser?.close());

  /** Opens a page and collects its errors in `errors`. */
  async function visit(url: string, options = {}): Promise<{ page: Page; errors: string[] }> {
    const page = await browser.newPage(options);
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => errors.push(message.text()));
    await page.goto(url);
    return { page, errors };
  }

  const hasText = (page: Page, text: string) =>
    page.waitForFunction((text) => document.body.innerText.includes(text), text, { timeout: 10_000 });

  test("chat/: two people chat using only the keyboard, and the page reconnects", async () => {
    let example = await start("chat/");
    const { port, origin } = new URL(example.url.replace("ws:", "http:"));
    const ann = await visit(origin);
    const bob = await visit(origin, { colorScheme: "dark", viewport: { width: 400, height: 700 } });
    await hasText(ann.page, "2 people here");
    for (const [{ page }, name] of [
      [ann, "Ann"],
      [bob, "Bob"],
    ] as const) {
      // At first, the focus is on the name, and Tab moves to the message.
      await page.keyboard.type(name);
      await page.keyboard.press("Tab");
    }
    await ann.page.keyboard.type("grüße <b>😀</b>");
    await ann.page.keyboard.press("Enter");
    await hasText(bob.page, "grüße <b>😀</b>");
    await bob.page.keyboard.type("hello Ann");
    await bob.page.keyboard.press("Enter");
    await hasText(ann.page, "hello Ann");
    const own = (page: Page) =>
      page.evaluate(() => Array.from(document.querySelectorAll("li"), (item) => item.classList.contains("own")), 0);
    expect([await own(ann.page), await own(bob.page)]).toEqual([
      [true, false],
      [false, true],
    ]);

    // The screenshots show the state that was checked.
    const shots = process.env["SCREENSHOTS"];
    if (shots) {
      await ann.page.screenshot({ path: `${shots}/chat-light.png` });
      await bob.page.screenshot({ path: `${shots}/chat-dark-400.png` });
    }
    expect([...ann.errors, ...bob.errors]).toEqual([]);

    expect(await example.stop()).toBe(0);
    running.delete(example);
    await hasText(ann.page, "connection lost (1001)");
    example = await start("chat/", { args: [port] });
    await hasText(ann.page, "2 people here");
    await ann.page.close();
    await hasText(bob.page, "you are alone here");
    await bob.page.close();
  });

  test("browser/: decodes its own recording, a chosen file and a dropped file", async () => {
    const example = await start("browser/");
    const { page, errors } = await visit(example.url);
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    // The numbers are from expected.json of the capture.
    await hasText(page, "recorded.bin: 173 frames from a client, 73879 bytes");
    await hasText(page, "by the wasm core, after GET /socket.io/");
    const cells = () => Array.from(document.querySelectorAll("tbody tr:nth-child(3) td"), (cell) => cell.textContent);
    expect(await page.evaluate(cells, 0)).toEqual(["304", "Text", "FIN", "000", "yes", "19", '420["echo","hello"]']);

    const capture = (name: string) => readFileSync(`${examples}../test/fixtures/captures/${name}`);
    const buffer = capture("ws-ws-fragments-deflate/server.bin");
    await page.setInputFiles("#file", { name: "server.bin", mimeType: "application/octet-stream", buffer });
    await hasText(page, "server.bin: 75 frames from a server, 4239 bytes");

    // Invalid UTF-8 in text. The frames before it count, and the error names the rule.
    await page.evaluate(() => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.of(0x81, 1, 0x61, 0x81, 1, 0xff)], "wrong.bin"));
      document.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, cancelable: true }));
    }, 0);
    await hasText(page, "wrong.bin: 1 frames from a server");
    await hasText(page, "Text must be valid UTF-8 (RFC 6455 §8.1, byte 5)");

    const shots = process.env["SCREENSHOTS"];
    if (shots) {
      await page.evaluate(() => document.querySelector<HTMLButtonElement>("#sample")!.click(), 0);
      await hasText(page, "recorded.bin: 173");
      await page.screenshot({ path: `${shots}/browser-light.png` });
      const dark = await visit(example.url, { colorScheme: "dark", viewport: { width: 400, height: 700 } });
      await dark.page.evaluate(() => document.querySelector<HTMLButtonElement>("#sample")!.click(), 0);
      await hasText(dark.page, "recorded.bin: 173");
      await dark.page.screenshot({ path: `${shots}/browser-dark-400.png` });
    }
    expect(errors).toEqual([]);
    await page.close();
    expect(await example.stop()).toBe(0);
  });
});
