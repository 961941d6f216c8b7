// A client of the soak test: Chromium, with a page that connects.

import { readFileSync } from "node:fs";
import type { Order } from "../order.ts";
import type { Report } from "../report.ts";
import { loadLauncher } from "../../support/chromium.ts";
import { run } from "./node.ts";

// The parts of playwright-core that are used.
interface Page {
  goto(url: string): Promise<unknown>;
  addScriptTag(options: { content: string }): Promise<unknown>;
  evaluate<T, R>(pageFunction: (argument: T) => R | Promise<R>, argument: T): Promise<R>;
}
interface Browser {
  newPage(options: { ignoreHTTPSErrors: boolean }): Promise<Page>;
}

const [seed, executablePath, url] = [Number(process.argv[2]), process.argv[3]!, process.argv[4]!];
const browser = await loadLauncher<Browser>()(executablePath);
const page = await browser.newPage({ ignoreHTTPSErrors: true });
await page.goto(url);
await page.addScriptTag({ content: readFileSync("build/soak/clients/page.js", "utf8") });

run((order) =>
  page.evaluate<{ order: Order; seed: number }, Report>(({ order, seed }) => globalThis.soak!(order, seed), {
    order,
    seed,
  }),
);
