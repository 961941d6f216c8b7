// Starts headless Chromium with playwright-core. It is installed with the runtimes, together with its types, so before
// that there are no types, and each suite declares the parts that it uses.

import { createRequire } from "node:module";

interface Playwright<Browser> {
  readonly chromium: { launch(options: { executablePath: string; args: readonly string[] }): Promise<Browser> };
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

/** A function that starts the Chromium at a path. @throws Error if playwright-core is not installed */
export function loadLauncher<Browser>(): (executablePath: string) => Promise<Browser> {
  const load = createRequire(new URL("../runtimes/package.json", import.meta.url));
  const { chromium } = load("playwright-core") as Playwright<Browser>;
  return (executablePath) => chromium.launch({ executablePath, args: FLAGS });
}
