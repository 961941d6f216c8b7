// Headless Chromium, driven by playwright-core.

import { createRequire } from "node:module";
import { findRuntime, missing } from "./support.ts";

/** What is used of playwright-core, whose types are not there before the runtimes are installed. */
interface Playwright {
  readonly chromium: { launch(options: { executablePath: string; args: readonly string[] }): Promise<Browser> };
}

export interface Browser {
  newPage(options?: { colorScheme?: "light" | "dark"; viewport?: { width: number; height: number } }): Promise<Page>;
  close(): Promise<void>;
}

export interface Page {
  on(event: "pageerror", listener: (error: Error) => void): void;
  on(event: "console", listener: (message: { text(): string }) => void): void;
  goto(url: string): Promise<unknown>;
  waitForFunction<T>(condition: (argument: T) => unknown, argument: T, options?: { timeout: number }): Promise<unknown>;
  evaluate<T, R>(run: (argument: T) => R | Promise<R>, argument: T): Promise<R>;
  textContent(selector: string): Promise<string | null>;
  setInputFiles(selector: string, file: { name: string; mimeType: string; buffer: Buffer }): Promise<void>;
  readonly keyboard: { type(text: string): Promise<void>; press(key: string): Promise<void> };
  screenshot(options: { path: string }): Promise<unknown>;
  close(): Promise<void>;
}

function loadPlaywright(): Playwright | undefined {
  try {
    return createRequire(import.meta.url)("playwright-core") as Playwright;
  } catch (error) {
    return missing("playwright-core", (error as Error).message.split("\n", 1)[0]!);
  }
}

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

/** What starts Chromium; undefined where there is none. */
export function findBrowser(): (() => Promise<Browser>) | undefined {
  const playwright = loadPlaywright();
  const chromium = playwright && findRuntime("Chromium", "/usr/bin/chromium", /(?<=Chromium )[\d.]+/);
  return chromium && (() => playwright.chromium.launch({ executablePath: chromium.executable, args: FLAGS }));
}
