// webpack-dev-server: compiles a page, and sends messages to its clients: node webpack.js [path of Chromium]

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { launch } from "puppeteer-core";
import webpack from "webpack";
import WebpackDevServer from "webpack-dev-server";
import { WebSocket } from "./client.js";
import { event, run, until } from "./support.js";

const [executablePath] = process.argv.slice(2);
const folder = mkdtempSync(join(tmpdir(), "wsframe-webpack-"));
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
const page = join(folder, "page.js");
const write = (text) => writeFileSync(page, text);

/** Starts a development server, which has compiled the page once. */
async function start(options) {
  const compiler = webpack({
    mode: "development",
    devtool: false,
    entry: page,
    context: folder,
    infrastructureLogging: { level: "none" },
    stats: "none",
  });
  const server = new WebpackDevServer(
    { host: "127.0.0.1", port: "auto", static: false, client: { logging: "none" }, ...options },
    compiler,
  );
  const compiled = new Promise((resolve) => compiler.hooks.done.tap("test", resolve));
  await server.start();
  await compiled;
  const { port } = server.server.address();
  return { server, url: `ws://127.0.0.1:${port}/ws`, page: `http://127.0.0.1:${port}/main.js` };
}

/** A client like that in the page, and its messages. */
async function connect(url, options) {
  const socket = new WebSocket(url, options);
  const messages = [];
  socket.on("message", (data) => messages.push(JSON.parse(String(data))));
  await event(socket, "open");
  const has = (type) => messages.some((message) => message.type === type);
  return { socket, messages, has };
}

const origin = (url) => ({ origin: url.replace("ws:", "http:").replace("/ws", "") });

await run({
  async "sends a client its options, the result of the compile, and each change"() {
    write("document.title = 'tea';");
    const { server, url, page: script } = await start({ hot: true });
    const { messages, has } = await connect(url, origin(url));
    await until("the first compile", () => has("ok"));
    assert.deepEqual(
      messages.slice(0, 2).map(({ type }) => type),
      ["hot", "liveReload"],
    );
    const { data: hash } = messages.find(({ type }) => type === "hash");
    assert.match(await (await fetch(script)).text(), /tea/);

    messages.length = 0;
    write("document.title = 'milk';");
    await until("the second compile", () => has("ok"));
    assert.ok(has("invalid"));
    assert.notEqual(messages.find(({ type }) => type === "hash").data, hash);
    assert.match(await (await fetch(script)).text(), /milk/);

    messages.length = 0;
    write("document.title = ;");
    await until("the failure", () => has("errors"));
    assert.match(messages.find(({ type }) => type === "errors").data[0].message, /parse failed/);
    await server.stop();
  },

  async "asks for a reload without hot updates, and reports changed static files"() {
    write("1;");
    const watched = join(folder, "static.html");
    writeFileSync(watched, "1");
    const { server, url } = await start({ hot: false, liveReload: true, watchFiles: [watched] });
    const { messages, has } = await connect(url, origin(url));
    await until("the compile", () => has("ok"));
    assert.equal(messages[0].type, "liveReload");
    // The watcher is ready later than the server.
    const change = setInterval(() => writeFileSync(watched, String(Math.random())), 100);
    await until("the change", () => has("static-changed"));
    clearInterval(change);
    await server.stop();
  },

  async "keeps clients that answer its pings, and ends others"() {
    write("1;");
    const { server, url } = await start();
    const { socket } = await connect(url, origin(url));
    const { socket: mute } = await connect(url, { ...origin(url), autoPong: false });
    assert.equal((await event(mute, "close"))[0], 1006);
    assert.equal(socket.readyState, WebSocket.OPEN);
    const ended = event(socket, "close");
    await server.stop();
    assert.equal((await ended)[0], 1006);
  },

  async "sends an error to a client of another host, and closes it"() {
    write("1;");
    const { server, url } = await start();
    const { messages, socket } = await connect(url, { headers: { host: "evil.example" } });
    await event(socket, "close");
    assert.deepEqual(messages, [{ type: "error", data: "Invalid Host/Origin header" }]);
    await server.stop();
  },

  async "the page in a browser shows a change after a reload and after a hot update"() {
    if (executablePath === undefined) return;
    const browser = await launch({
      executablePath,
      args: ["--no-sandbox", "--disable-gpu", "--no-first-run"],
    });
    for (const accept of ["", "module.hot.accept();"]) {
      const script = (title) => write(`document.title = '${title}'; window.loads = (window.loads ?? 0) + 1; ${accept}`);
      script("tea");
      const { server, page: url } = await start({ hot: true, static: false, setupMiddlewares: withPage });
      const page = await browser.newPage();
      await page.goto(url.replace("main.js", "page"));
      await page.waitForFunction(() => document.title === "tea");
      script("milk");
      await page.waitForFunction(() => document.title === "milk");
      // A reload resets the page.
      assert.equal(await page.evaluate(() => window.loads), accept === "" ? 1 : 2);
      await page.close();
      await server.stop();
    }
    await browser.close();
  },
});

/** Adds a page with the script. */
function withPage(middlewares) {
  const middleware = (_, response) => response.end("<!doctype html><script src=/main.js></script>");
  return [{ name: "page", path: "/page", middleware }, ...middlewares];
}
