// In headless Chromium: the installed package as modules of a page, with and without a Content-Security-Policy.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { ECHO, expectedReport } from "./expected.ts";
import { type Host, startHost } from "./host.ts";
import { findRuntime, missing } from "./support.ts";

/** What is used of playwright-core, whose types are not there before the runtimes are installed. */
interface Playwright {
  readonly chromium: { launch(options: { executablePath: string; args: readonly string[] }): Promise<Browser> };
}
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

function loadPlaywright(): Playwright | undefined {
  try {
    return createRequire(import.meta.url)("playwright-core") as Playwright;
  } catch (error) {
    return missing("playwright-core", (error as Error).message.split("\n", 1)[0]!);
  }
}

const playwright = loadPlaywright();
const chromium = playwright && findRuntime("Chromium", "/usr/bin/chromium", /(?<=Chromium )[\d.]+/);

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

let host: Host;
let browser: Browser | undefined;

beforeAll(async () => {
  if (!chromium) return;
  host = await startHost(inject("folder"));
  browser = await playwright!.chromium.launch({ executablePath: chromium.executable, args: FLAGS });
});

afterAll(async () => {
  await browser?.close();
  host?.close();
});

/** Opens the page; what it found, and every error that the browser told of. */
async function open(csp?: string): Promise<{ found: unknown; errors: string[]; console: string[] }> {
  const manifest = join(inject("folder"), "node_modules/wsframe/package.json");
  const { exports } = JSON.parse(readFileSync(manifest, "utf8")) as { exports: Record<string, { default: string }> };
  const entry = (name: string) => new URL(exports[name]!.default, `${host.origin}/node_modules/wsframe/`).pathname;
  const query = new URLSearchParams({ wsframe: entry("."), streams: entry("./streams"), ...(csp && { csp }) });
  const page = await browser!.newPage();
  const errors: string[] = [];
  const told: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => told.push(message.text()));
  await page.goto(`${host.origin}/page.html?${query}`);
  await page
    .waitForFunction(() => document.title === "done", undefined, { timeout: 45_000 })
    .catch((error: unknown) => {
      throw new Error(`The page did not come to its end: ${[...errors, ...told].join("\n")}`, { cause: error });
    });
  const found: unknown = JSON.parse((await page.textContent("body"))!);
  await page.close();
  return { found, errors, console: told };
}

describe.skipIf(!chromium)("Chromium", () => {
  const echo = { echoed: ECHO, extensions: "permessage-deflate", closed: [4000, "", true] };

  test("without a policy: the WASM core", async () => {
    const { found, errors, console } = await open();
    expect(found).toEqual({ ...expectedReport({ core: "wasm", zlib: false }), echo });
    expect([...errors, ...console]).toEqual([]);
  });

  test("script-src 'self': the portable core, and no uncaught error", async () => {
    const { found, errors } = await open("default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:");
    const core = { kind: "portable", reason: expect.stringMatching(/content security policy/i) };
    expect(found).toEqual({ ...expectedReport({ core: "portable", zlib: false }), core, echo });
    expect(errors).toEqual([]);
  });

  test("script-src 'self' 'wasm-unsafe-eval': the WASM core", async () => {
    const { found, errors } = await open("script-src 'self' 'wasm-unsafe-eval'");
    expect(found).toEqual({ ...expectedReport({ core: "wasm", zlib: false }), echo });
    expect(errors).toEqual([]);
  });
});
