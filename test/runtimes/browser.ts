// Starts headless Chromium with playwright-core.

import { loadLauncher } from "../support/chromium.ts";
import { findRuntime, missing } from "./support.ts";

// The parts of playwright-core that are used.
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

function findLauncher(): ((executablePath: string) => Promise<Browser>) | undefined {
  try {
    return loadLauncher();
  } catch (error) {
    return missing("playwright-core", (error as Error).message.split("\n", 1)[0]!);
  }
}

/** A function that starts Chromium, or undefined if it is not installed. */
export function findBrowser(): (() => Promise<Browser>) | undefined {
  const launch = findLauncher();
  const chromium = launch && findRuntime("Chromium", "/usr/bin/chromium", /(?<=Chromium )[\d.]+/);
  return chromium && (() => launch(chromium.executable));
}
