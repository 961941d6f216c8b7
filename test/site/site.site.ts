// Builds the documentation site as `npm run site` does, and uses it in Chromium.

import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { extname } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { findBroken } from "../../docs/site/check.js";
import { pages as sources } from "../docs/pages.ts";
import { find } from "../interop/sockets/process.ts";
import { loadLauncher } from "../support/chromium.ts";

// The parts of playwright-core that these tests use.
interface Locator {
  click(): Promise<void>;
  fill(text: string): Promise<void>;
  press(key: string): Promise<void>;
  check(): Promise<void>;
  setInputFiles(files: string): Promise<void>;
  count(): Promise<number>;
  first(): Locator;
  innerText(): Promise<string>;
  allInnerTexts(): Promise<string[]>;
  evaluate<R>(read: (element: HTMLElement) => R): Promise<R>;
  getByRole(role: string, options?: { name?: string | RegExp; exact?: boolean }): Locator;
}
interface Queries {
  locator(selector: string): Locator;
  getByRole(role: string, options?: { name?: string | RegExp; exact?: boolean }): Locator;
  getByLabel(label: string): Locator;
}
interface Page extends Queries {
  readonly keyboard: { press(key: string): Promise<void>; type(text: string): Promise<void> };
  url(): string;
  goto(url: string): Promise<unknown>;
  on(event: "pageerror", listener: (error: Error) => void): void;
  on(event: "console", listener: (message: { type(): string; text(): string }) => void): void;
  on(event: "request", listener: (request: { url(): string }) => void): void;
  evaluate<R>(read: () => R | Promise<R>): Promise<R>;
  frameLocator(selector: string): Queries;
  context(): { setOffline(offline: boolean): Promise<void> };
  close(): Promise<void>;
}
interface Browser {
  newPage(options: object): Promise<Page>;
  close(): Promise<void>;
}

const root = fileURLToPath(new URL("../../", import.meta.url));
const folder = `${root}build/site-test`;
/** The path on a host that serves several projects. */
const BASE = "/wsframe/";
const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".png": "image/png",
  ".json": "application/json",
};

const isInstalled = existsSync(`${root}docs/site/node_modules/vitepress`);
const executablePath = find(["/usr/bin/chromium"], "chromium");

let output = "";
let names: readonly string[] = [];
beforeAll(() => {
  if (!isInstalled) return;
  rmSync(folder, { recursive: true, force: true });
  const built = spawnSync(process.execPath, [`${root}scripts/site.js`, "--base", BASE, "--out", folder], {
    encoding: "utf8",
  });
  output = built.stdout + built.stderr;
  expect(built.status, output).toBe(0);
  names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".html"));
}, 240_000);

function read(name: string): string {
  return readFileSync(`${folder}/${name}`, "utf8");
}

describe.skipIf(!isInstalled)("the built site", () => {
  test("builds without a warning, and says where it is", () => {
    expect(output).toContain("The site is in build/site-test/.");
    expect(output).not.toMatch(/\(!\)|warn|error/i);
  });

  test("has no link that leads nowhere", () => {
    expect(names.length).toBeGreaterThan(20);
    expect(findBroken(folder, BASE)).toEqual([]);
  });

  test("has every Markdown page, and each of them in the sidebar", () => {
    const sidebar = /<aside class="VPSidebar[\s\S]*?<\/aside>/.exec(read("guide.html"))![0];
    const links = [...sidebar.matchAll(/href="([^"]*)"/g)].map(([, link]) => link!);
    expect(new Set(links).size).toBe(links.length);
    // One link for each Markdown page.
    expect(links).toHaveLength(sources.length);
    const titles = links.map((link) => {
      const name = link.slice(BASE.length);
      const [, title = ""] = /<h1[^>]*>(.*?)<a /.exec(read(name.endsWith("/") ? `${name}index.html` : name)) ?? [];
      return title.replaceAll(/<[^>]*>/g, "").trim();
    });
    const expected = sources.map((source) =>
      /^# (.*)$/m.exec(readFileSync(`${root}${source}`, "utf8"))![1]!.replaceAll("`", ""),
    );
    expect(titles.toSorted()).toEqual(expected.toSorted());
  });

  test("shows the source of every example", () => {
    const page = read("examples/index.html");
    expect(page).toContain(`href="${BASE}examples/echo-mjs.html"`);
    const text = read("examples/echo-mjs.html")
      .replaceAll(/<[^>]*>/g, "")
      .replaceAll("&quot;", '"')
      .replaceAll("&#39;", "'");
    for (const line of readFileSync(`${root}examples/echo.mjs`, "utf8").split("\n")) {
      if (/^[\w ]+$/.test(line)) expect(text).toContain(line);
    }
    expect(text).toContain('from "wsframe/node"');
  });

  test("links a file without a page to the repository, or shows its path", async () => {
    interface Renderer {
      readonly core: { readonly ruler: { disable(name: string): void } };
      render(text: string, env: object): string;
    }
    const load = (path: string): Promise<unknown> => import(pathToFileURL(`${root}docs/site/${path}`).href);
    const { createMarkdownRenderer } = (await load("node_modules/vitepress/dist/node/index.js")) as {
      createMarkdownRenderer(srcDir: string): Promise<Renderer>;
    };
    const { siteLinks } = (await load(".vitepress/links.ts")) as {
      siteLinks(md: Renderer, repository?: string): void;
    };
    // VitePress makes one renderer per process.
    const md = await createMarkdownRenderer(root);
    const render = (text: string, repository?: string): string => {
      siteLinks(md, repository);
      const html = md.render(text, { path: `${root}docs/page.md`, cleanUrls: false });
      md.core.ruler.disable("site-links");
      return html;
    };
    const text =
      "[the tests](../test/site) [`dom.ts`](../src/inspector/page/dom.ts) [guide.md](guide.md#frames) [x](#own)";
    const here = render(text);
    expect(here).toContain("the tests (<code>test/site</code>) <code>src/inspector/page/dom.ts</code>");
    expect(here).toContain('<a href="/guide.html#frames">Guide</a> <a href="#own">x</a>');
    const there = render(text, "https://example.com/user/project");
    expect(there).toContain('<a href="https://example.com/user/project/tree/HEAD/test/site"');
    expect(there).toContain('<a href="https://example.com/user/project/blob/HEAD/src/inspector/page/dom.ts"');
  });

  test("is type-checked", () => {
    const { status, stdout } = spawnSync(
      process.execPath,
      [`${root}node_modules/typescript/bin/tsc`, "-p", `${root}docs/site`],
      { encoding: "utf8" },
    );
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });
});

describe.skipIf(!isInstalled || executablePath === undefined)("in Chromium", () => {
  let server: Server;
  let url = "";
  let browser: Browser;

  beforeAll(async () => {
    server = createServer((request, response) => {
      const path = decodeURI(request.url!.split("?", 1)[0]!);
      const name = path.endsWith("/") ? `${path}index.html` : path;
      const file = `${folder}/${name.slice(BASE.length)}`;
      if (!name.startsWith(BASE) || !existsSync(file)) {
        response.writeHead(404).end();
        return;
      }
      response.writeHead(200, { "Content-Type": TYPES[extname(file)] ?? "application/octet-stream" });
      response.end(readFileSync(file));
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${BASE}`;
    browser = await loadLauncher<Browser>()(executablePath!);
  });
  afterAll(async () => {
    await browser?.close();
    server?.closeAllConnections();
    server?.close();
  });

  /** Opens a page. When the test is over, nothing may have gone wrong in it, or have been loaded from elsewhere. */
  async function open(name: string, width = 1280): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height: 860 }, colorScheme: "light" });
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(String(error.stack)));
    page.on("console", (message) => complaints.push(`${message.type()}: ${message.text()}`));
    page.on("request", (request) => {
      if (!request.url().startsWith(url)) complaints.push(`request: ${request.url()}`);
    });
    onTestFinished(async () => {
      await page.close();
      expect(complaints).toEqual([]);
    });
    await page.goto(`${url}${name}`);
    return page;
  }

  const background = (page: Page): Promise<string> =>
    page.locator("body").evaluate((body) => getComputedStyle(body).backgroundColor);

  test.each([400, 1280])(
    "at %i pixels no page scrolls sideways, and every image loads",
    async (width) => {
      const page = await open("index.html", width);
      for (const name of names) {
        // Without ?decode, the inspector connects to a server.
        await page.goto(`${url}${name}${name.startsWith("decoder/") ? "?decode" : ""}`);
        const found = await page.evaluate(async () => {
          for (const image of document.images) image.loading = "eager";
          await Promise.all([...document.images].map((image) => image.decode()));
          const { scrollWidth } = document.documentElement;
          return { scrollWidth, images: [...document.images].every(({ naturalWidth }) => naturalWidth > 0) };
        });
        expect(found, name).toEqual({ scrollWidth: width, images: true });
      }
    },
    180_000,
  );

  test("the home page has the sentence, the install line and the chart", async () => {
    const page = await open("index.html");
    expect(await page.getByRole("heading", { name: "wsframe", exact: true }).count()).toBe(1);
    expect(await page.locator(".tagline").innerText()).toContain("The WebSocket engine for JavaScript");
    expect(await page.locator(".install code").innerText()).toBe("npm install wsframe");
    const cases = await page.locator(".speed .case").allInnerTexts();
    expect(cases.length).toBeGreaterThan(3);
    // The rates are those of the table in docs/benchmarks.md.
    const table = readFileSync(`${root}docs/benchmarks.md`, "utf8");
    for (const text of cases) {
      for (const [, rate] of text.matchAll(/([\d.,]+)(?: [kM])?\/s/g)) expect(table).toContain(rate);
      expect(text).toContain("wsframe");
    }
    await page.getByRole("link", { name: "Read the guide" }).click();
    await expect.poll(() => page.locator("h1").innerText()).toContain("Guide");
  });

  test("the search finds an option in the reference", async () => {
    const page = await open("index.html");
    await page.keyboard.press("Control+k");
    await page.locator("#localsearch-input").fill("autoPong");
    await expect.poll(() => page.locator(".VPLocalSearchBox .result").count()).toBeGreaterThan(0);
    const results = await page.locator(".VPLocalSearchBox .result").allInnerTexts();
    expect(results.some((result) => result.includes("ProtocolOptions"))).toBe(true);
    await page.locator("#localsearch-input").press("Enter");
    await expect.poll(() => page.url()).toMatch(/\.html#./);
    // The anchor is there, and in view.
    await expect
      .poll(() =>
        page.evaluate(() => {
          const { top } = document.getElementById(decodeURIComponent(location.hash.slice(1)))!.getBoundingClientRect();
          return top >= 0 && top < window.innerHeight;
        }),
      )
      .toBe(true);
  });

  test("dark mode can be switched on, and is remembered", async () => {
    const page = await open("guide.html");
    const light = await background(page);
    await page.locator(".VPNavBarAppearance button").click();
    await expect.poll(() => background(page)).not.toBe(light);
    const dark = await background(page);
    await page.goto(`${url}api.html`);
    expect(await background(page)).toBe(dark);
  });

  test("at 400 pixels the menu leads to a page, and a wide table scrolls", async () => {
    const page = await open("benchmarks.html", 400);
    const scrolls = await page.evaluate(() =>
      [...document.querySelectorAll("table")].some((table) => table.scrollWidth > table.clientWidth),
    );
    expect(scrolls).toBe(true);
    await page.getByRole("button", { name: "Menu", exact: true }).click();
    await page.locator(".VPSidebar").getByRole("link", { name: "Architecture", exact: true }).click();
    await expect.poll(() => page.locator("h1").innerText()).toContain("Architecture");
  });

  test("the API page lists its entries and groups beside it", async () => {
    const page = await open("api.html", 1440);
    const outline = await page.locator(".VPDocAsideOutline a").allInnerTexts();
    expect(outline).toContain("wsframe/node");
    expect(outline).toContain("Messages");
    expect(outline.length).toBeLessThan(60);
  });

  describe("the playground", () => {
    const listed = (frame: Queries): Promise<string[]> =>
      frame
        .locator("#list")
        .evaluate((list) => [...list.querySelectorAll("[role=option]")].map((row) => row.getAttribute("aria-label")!));

    test("decodes samples, pasted hex and files, without a server", async () => {
      const page = await open("playground.html");
      const frame = page.frameLocator("iframe");
      await expect.poll(() => listed(frame)).toEqual(['1, from the client, text, 5 bytes, "Hello"']);
      expect(await frame.locator("#detail .segment").count()).toBeGreaterThan(8);
      // From here on, the page gets nothing from the server.
      await page.context().setOffline(true);
      await page.getByRole("button", { name: "A compressed message" }).click();
      await expect.poll(() => listed(frame)).toEqual(['1, from the server, text, deflate, 7 bytes, "Hello"']);
      await page.getByRole("button", { name: "Broken UTF-8" }).click();
      await expect.poll(() => frame.locator("#detail div.error").allInnerTexts()).toHaveLength(1);
      expect(await frame.locator("#detail div.error").innerText()).toContain("RFC 6455 §8.1");
      await page.getByRole("button", { name: "Chromium, recorded" }).click();
      await expect.poll(async () => (await listed(frame)).length).toBeGreaterThan(8);
      expect((await listed(frame)).every((row) => row.includes("from the client"))).toBe(true);
      expect(await frame.locator("#detail div.error").count()).toBe(0);
      await frame.getByLabel("Bytes as hex").fill("8a 02 68 69");
      await frame.getByRole("button", { name: "Decode" }).click();
      await expect.poll(() => listed(frame)).toEqual(['1, from the server, pong, 2 bytes, "hi"']);
      await frame.locator("#files").setInputFiles(`${root}test/fixtures/captures/ws-ws-fragments/client.bin`);
      await expect.poll(() => frame.locator("#summary").innerText()).toMatch(/^143 frames/);
      // The tab for a live connection is hidden.
      expect(await frame.getByRole("tab").count()).toBe(0);
    });

    test("opens with the bytes of its address", async () => {
      const page = await open("playground.html#hex=88%2002%2003%20ed");
      const frame = page.frameLocator("iframe");
      await expect.poll(() => frame.locator("#detail div.error").allInnerTexts()).toHaveLength(1);
      expect(await frame.getByLabel("Bytes as hex").evaluate((area) => (area as HTMLTextAreaElement).value)).toBe(
        "88 02 03 ed",
      );
    });

    test("is dark when the site is, and can be left and opened again", async () => {
      const page = await open("playground.html");
      const colour = (): Promise<string> =>
        page
          .frameLocator("iframe")
          .locator("body")
          .evaluate((body) => getComputedStyle(body).backgroundColor);
      const light = await colour();
      await page.locator(".VPNavBarAppearance button").click();
      await expect.poll(colour).not.toBe(light);
      await page.locator(".VPNavBarMenu").getByRole("link", { name: "Guide" }).click();
      await expect.poll(() => page.locator("h1").innerText()).toContain("Guide");
      await page.locator(".VPNavBarMenu").getByRole("link", { name: "Playground" }).click();
      await expect.poll(colour).not.toBe(light);
      await expect.poll(async () => (await listed(page.frameLocator("iframe"))).length).toBe(1);
    });

    test("at 400 pixels the frame is as long as its content", async () => {
      const page = await open("playground.html", 400);
      await expect.poll(async () => (await listed(page.frameLocator("iframe"))).length).toBe(1);
      const lengths = (): Promise<(number | boolean)[]> =>
        page.evaluate(() => {
          const { contentDocument, clientHeight } = document.querySelector("iframe")!;
          const { scrollHeight, scrollWidth } = contentDocument!.documentElement;
          return [scrollWidth, scrollHeight <= clientHeight, clientHeight - contentDocument!.body.clientHeight < 2];
        });
      await expect.poll(lengths).toEqual([400, true, true]);
    });
  });
});
