// Headless Chromium, driven by playwright-core. That is installed with the runtimes, and so are its types: before that there are
// none, and each suite says what it uses.

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

/** What starts the Chromium at a path. @throws Error where playwright-core is not installed */
export function loadLauncher<Browser>(): (executablePath: string) => Promise<Browser> {
  const load = createRequire(new URL("../runtimes/package.json", import.meta.url));
  const { chromium } = load("playwright-core") as Playwright<Browser>;
  return (executablePath) => chromium.launch({ executablePath, args: FLAGS });
}
