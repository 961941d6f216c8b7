// Loads the installed package as modules of a page in headless Chromium, with and without a Content-Security-Policy.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { type Browser, findBrowser } from "./browser.ts";
import { ECHO, expectedReport } from "./expected.ts";
import { type Host, startHost } from "./host.ts";

const startBrowser = findBrowser();

let host: Host;
let browser: Browser | undefined;

beforeAll(async () => {
  if (!startBrowser) return;
  host = await startHost(inject("folder"));
  browser = await startBrowser();
});

afterAll(async () => {
  await browser?.close();
  host?.close();
});

/** Opens the page. Returns what it found and every error that the browser reported. */
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
      throw new Error(`The page did not finish: ${[...errors, ...told].join("\n")}`, { cause: error });
    });
  const found: unknown = JSON.parse((await page.textContent("body"))!);
  await page.close();
  return { found, errors, console: told };
}

describe.skipIf(!startBrowser)("Chromium", () => {
  const echo = { echoed: ECHO, extensions: "permessage-deflate", closed: [4000, "", true] };

  test("without a policy, uses the WASM core", async () => {
    const { found, errors, console } = await open();
    expect(found).toEqual({ ...expectedReport({ core: "wasm", deflates: true }), echo });
    expect([...errors, ...console]).toEqual([]);
  });

  test("with script-src 'self', uses the portable core, without an uncaught error", async () => {
    const { found, errors } = await open("default-src 'none'; script-src 'self'; connect-src 'self'; img-src data:");
    const core = { kind: "portable", reason: expect.stringMatching(/content security policy/i) };
    expect(found).toEqual({ ...expectedReport({ core: "portable", deflates: false }), core, echo });
    expect(errors).toEqual([]);
  });

  test("with script-src 'self' 'wasm-unsafe-eval', uses the WASM core", async () => {
    const { found, errors } = await open("script-src 'self' 'wasm-unsafe-eval'");
    expect(found).toEqual({ ...expectedReport({ core: "wasm", deflates: true }), echo });
    expect(errors).toEqual([]);
  });
});
