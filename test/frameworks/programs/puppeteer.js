// puppeteer-core controls Chromium over ws: node puppeteer.js <path of Chromium>

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { connect, launch } from "puppeteer-core";
import { WebSocketServer } from "ws";
import { listen, run, until, within } from "./support.js";

const [executablePath] = process.argv.slice(2);
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
const browser = await launch({ executablePath, args, headless: true });
// Checks that the transport is a WebSocket: a pipe has no endpoint.
assert.match(browser.wsEndpoint(), /^ws:\/\//);

await run({
  async "evaluates many expressions at once, and large results"() {
    const page = await browser.newPage();
    assert.equal(await page.evaluate(() => 6 * 7), 42);
    const all = await Promise.all(Array.from({ length: 200 }, (_, i) => page.evaluate((n) => `${n} é`, i)));
    assert.deepEqual(
      all,
      Array.from({ length: 200 }, (_, i) => `${i} é`),
    );
    const large = await page.evaluate(() => "tea ".repeat(2_000_000));
    assert.equal(large, "tea ".repeat(2_000_000));
    assert.equal(await page.evaluate((text) => text.length, large), 8_000_000);
    await assert.rejects(
      page.evaluate(() => Promise.reject(new Error("of the page"))),
      /of the page/,
    );
    await page.close();
  },

  async "loads a page, types, clicks, and takes a picture"() {
    const http = createServer((_, response) => {
      response.setHeader("content-type", "text/html");
      response.end(
        "<input id=name><button onclick='document.title = document.querySelector(`#name`).value'>Go</button>",
      );
    });
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${await listen(http)}/`);
    await page.type("#name", "hello Ada");
    await page.click("button");
    assert.equal(await page.title(), "hello Ada");
    const picture = await page.screenshot({ type: "png" });
    assert.deepEqual([...picture.subarray(1, 4)], [...Buffer.from("PNG")]);
    await page.close();
    await within("the end of the server", new Promise((resolve) => (http.close(resolve), http.closeAllConnections())));
  },

  async "emits events of the page, and answers requests in the program"() {
    const page = await browser.newPage();
    const said = [];
    page.on("console", (message) => said.push(message.text()));
    await page.setRequestInterception(true);
    page.on("request", (request) => {
      if (request.url() === "http://tea.test/data") request.respond({ status: 200, body: "hot" });
      else request.respond({ status: 200, contentType: "text/html", body: "<h1>Tea</h1>" });
    });
    await page.goto("http://tea.test/");
    await page.evaluate(async () => {
      console.log(await (await fetch("/data")).text());
      for (let i = 0; i < 500; i++) console.log(i);
    });
    await until("all that it says", () => said.length === 501);
    assert.deepEqual(said, ["hot", ...Array.from({ length: 500 }, (_, i) => `${i}`)]);
    await page.close();
  },

  async "sees the frames of a page that is connected to our server"() {
    const http = createServer((_, response) => response.end("page"));
    const sockets = new WebSocketServer({ server: http, perMessageDeflate: true });
    sockets.on("connection", (socket) => {
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    const port = await listen(http);
    const page = await browser.newPage();
    const session = await page.createCDPSession();
    const frames = [];
    session.on("Network.webSocketFrameReceived", ({ response }) => frames.push(response.payloadData));
    await session.send("Network.enable");
    await page.goto(`http://127.0.0.1:${port}/`);
    const received = await page.evaluate(async () => {
      const socket = new WebSocket(location.href.replace("http", "ws"));
      socket.binaryType = "arraybuffer";
      const on = (type) => new Promise((resolve) => socket.addEventListener(type, resolve, { once: true }));
      await on("open");
      socket.send("hello");
      const { data: text } = await on("message");
      socket.send(new Uint8Array(100_000).fill(7));
      const bytes = new Uint8Array((await on("message")).data);
      socket.close(4000, "done");
      const { code, wasClean } = await on("close");
      return [text, bytes.length, bytes.every((byte) => byte === 7), socket.extensions, [code, wasClean]];
    });
    assert.deepEqual(received, ["hello", 100_000, true, "permessage-deflate", [4000, true]]);
    assert.equal(frames[0], "hello");
    await page.close();
    await within("the end of the server", new Promise((resolve) => (http.close(resolve), http.closeAllConnections())));
  },

  async "supports a second connection that disconnects"() {
    const other = await connect({ browserWSEndpoint: browser.wsEndpoint() });
    const page = await other.newPage();
    assert.equal(await page.evaluate(() => 1 + 1), 2);
    await page.close();
    const left = new Promise((resolve) => other.once("disconnected", resolve));
    await other.disconnect();
    await within("'disconnected'", left);
    assert.equal(other.connected, false);
    assert.ok(browser.connected);
  },

  async "notices the end of the browser"() {
    const page = await browser.newPage();
    const left = new Promise((resolve) => browser.once("disconnected", resolve));
    const pending = assert.rejects(
      page.evaluate(() => new Promise(() => {})),
      /closed|Target|Protocol error/,
    );
    await browser.close();
    await within("'disconnected'", left);
    await pending;
    assert.equal(browser.connected, false);
  },
});
