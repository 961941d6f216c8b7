// Tests against Chromium's WebSocket over HTTP/1.1, TLS and HTTP/2.

import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadLauncher } from "../../support/chromium.ts";
import { type Dial, ourServer, TLS, type Way, withClient } from "./ours.ts";
import { converse } from "./peers/whatwg.ts";
import { find, type Order, type Report } from "./process.ts";
import { suite } from "./suite.ts";

const executablePath = find(["/usr/bin/chromium"], "chromium");

// The parts of playwright-core that are used.
interface Page {
  goto(url: string): Promise<unknown>;
  evaluate<T, R>(pageFunction: (argument: T) => R | Promise<R>, argument: T): Promise<R>;
}
interface Browser {
  newPage(options: { ignoreHTTPSErrors: boolean }): Promise<Page>;
  newBrowserCDPSession(): Promise<{ send(method: string): Promise<unknown> }>;
  once(event: "disconnected", listener: (value: unknown) => void): void;
  close(): Promise<void>;
}

const lacks = [
  "fragments",
  "pings",
  "telling pings",
  "telling pongs",
  "closing without a code",
  "going without compression",
] as const;

const oddities = {
  losesLast: true,
  // The process that owns the sockets outlives the browser and closes on behalf of the page. Over HTTP/2 it does not.
  lastWords: { code: 1001, reason: "", wasClean: true },
};

describe.skipIf(executablePath === undefined)("Chromium", () => {
  let browser: Browser;
  let page: Page;

  async function launch(): Promise<void> {
    browser = await loadLauncher<Browser>()(executablePath!);
    page = await browser.newPage({ ignoreHTTPSErrors: true });
  }
  beforeAll(launch);
  afterAll(() => browser.close());

  /** Kills the whole browser. The next test starts a new one. */
  async function crash(): Promise<void> {
    const session = await browser.newBrowserCDPSession();
    // The browser is often gone before it can answer.
    await Promise.race([
      session.send("Browser.crash").catch(() => {}),
      new Promise((r) => browser.once("disconnected", r)),
    ]);
    await launch();
  }

  /** Connects from a page of this server, because other pages must not connect to this machine. */
  const dialFrom = async (address: string, order: Order): Promise<Report> => {
    await page.goto(address);
    return page.evaluate(converse, order);
  };
  const dial: Dial = (order) => dialFrom(new URL("/", order.url.replace("ws", "http")).href, order);

  const tls: Way = {
    scheme: "wss",
    options: { tls: TLS, http2: false },
    check: (request) => expect([request.httpVersion, "encrypted" in request.socket]).toEqual(["1.1", true]),
  };

  const http2: Way = {
    scheme: "wss",
    options: { tls: TLS },
    check(request) {
      expect(request.httpVersion).toBe("2.0");
      expect(request.headers[":protocol"]).toBe("websocket");
    },
  };

  test("leaving a page closes its connections with 1001", async () => {
    const { ours } = await withClient(dial)();
    await page.goto("about:blank");
    expect(await ours.closed).toEqual({ code: 1001, reason: "", wasClean: true });
  });

  test("uses HTTP/1.1 if the server has HTTP/2 but there is no HTTP/2 connection yet", async () => {
    const { address } = await ourServer();
    const dialFromOther: Dial = (order) => dialFrom(`http://${address}`, order);
    const { ours } = await withClient(dialFromOther, { ...tls, options: { tls: TLS } })();
    ours.connection.send("hello");
    expect(await ours.messages.next()).toBe("hello");
  });

  suite("over HTTP/1.1", { open: withClient(dial), lacks, oddities, abort: crash });
  suite("with TLS", { open: withClient(dial, tls), lacks, oddities, abort: crash });
  // It needs an HTTP/2 connection to the server before it opens a WebSocket over it.
  suite("over HTTP/2", { open: withClient(dial, http2), lacks, oddities: { losesLast: true }, abort: crash });
});
