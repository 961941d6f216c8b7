// Opens the inspector's page in Chromium, and reads what it shows.

import { afterAll, beforeAll, expect, onTestFinished } from "vitest";
import { type Inspector, startInspector } from "../../src/inspector/server/server.ts";
import { find } from "../interop/sockets/process.ts";
import { loadLauncher } from "../support/chromium.ts";

// The parts of playwright-core that are used here.
export interface Locator {
  click(options?: object): Promise<void>;
  fill(text: string): Promise<void>;
  press(key: string): Promise<void>;
  check(): Promise<void>;
  uncheck(): Promise<void>;
  isDisabled(): Promise<boolean>;
  isChecked(): Promise<boolean>;
  selectOption(option: string | { label: string }): Promise<unknown>;
  setInputFiles(files: readonly string[] | { name: string; mimeType: string; buffer: Buffer }): Promise<void>;
  count(): Promise<number>;
  first(): Locator;
  nth(index: number): Locator;
  last(): Locator;
  focus(): Promise<void>;
  hover(): Promise<void>;
  innerText(): Promise<string>;
  allInnerTexts(): Promise<string[]>;
  inputValue(): Promise<string>;
  getAttribute(name: string): Promise<string | null>;
  isVisible(): Promise<boolean>;
}
export interface Page {
  readonly keyboard: {
    press(key: string): Promise<void>;
    type(text: string): Promise<void>;
  };
  goto(url: string): Promise<unknown>;
  on(event: "pageerror", listener: (error: Error) => void): void;
  on(event: "console", listener: (message: { type(): string; text(): string }) => void): void;
  on(event: "request", listener: (request: { url(): string }) => void): void;
  evaluate<R>(pageFunction: () => R | Promise<R>): Promise<R>;
  evaluate<T, R>(pageFunction: (argument: T) => R | Promise<R>, argument: T): Promise<R>;
  locator(selector: string, options?: { hasText?: string }): Locator;
  getByRole(role: string, options?: { name?: string | RegExp; exact?: boolean }): Locator;
  getByLabel(label: string, options?: { exact?: boolean }): Locator;
  setViewportSize(size: { width: number; height: number }): Promise<void>;
  context(): {
    newCDPSession(page: Page): Promise<{ send(method: string, parameters?: object): Promise<unknown> }>;
    grantPermissions(permissions: readonly string[]): Promise<void>;
  };
  close(): Promise<void>;
}
interface Browser {
  newPage(options: object): Promise<Page>;
  close(): Promise<void>;
}
export const executablePath = find(["/usr/bin/chromium"], "chromium");

/** How to open the page. */
export interface Look {
  readonly width?: number;
  readonly height?: number;
  readonly colorScheme?: "light" | "dark";
  /** Parts of expected messages on the browser's console. */
  readonly complaints?: readonly string[];
}

let inspector: Inspector;
let browser: Browser;

/** Starts the server and the browser for a file of tests. */
export function useChromium(): void {
  if (executablePath === undefined) return;
  beforeAll(async () => {
    inspector = await startInspector({ page: new URL("../../build/inspector/page/", import.meta.url) });
    browser = await loadLauncher<Browser>()(executablePath!);
  });
  afterAll(async () => {
    await browser?.close();
    await inspector?.close();
  });
}

/** Opens the page, and waits until it is connected. After the test, checks for errors and for requests to other hosts. */
export async function open({
  width = 1280,
  height = 860,
  colorScheme = "light",
  complaints = [],
}: Look = {}): Promise<Page> {
  const page = await browser.newPage({ viewport: { width, height }, colorScheme });
  const errors: string[] = [];
  const elsewhere: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error.stack)));
  page.on("console", (message) => errors.push(`${message.type()}: ${message.text()}`));
  page.on("request", (request) => {
    if (!request.url().startsWith(inspector.url)) elsewhere.push(request.url());
  });
  onTestFinished(async () => {
    await page.close();
    expect(errors.filter((error) => !complaints.some((complaint) => error.includes(complaint)))).toEqual([]);
    expect(elsewhere).toEqual([]);
  });
  await page.goto(inspector.url);
  await expect.poll(() => page.locator("#connection-state").innerText()).toBe("Connected");
  return page;
}

/** The content of the detail view. */
export interface Shown {
  readonly title: string;
  readonly facts: string;
  /** The bits of each field, by its name. */
  readonly bits: Readonly<Record<string, string>>;
  readonly key: string | undefined;
  /** In hex; "" if the payload was not masked. */
  readonly masked: string;
  readonly unmasked: string;
  readonly text: string;
  /** The byte marked as wrong: in hex in the table, and in bits in the diagram. */
  readonly marked: string | undefined;
  readonly markedBits: string;
  readonly error: string | undefined;
  readonly events: readonly string[];
}

export function shown(page: Page): Promise<Shown> {
  return page.evaluate(() => {
    const all = (selector: string): HTMLElement[] => [...document.querySelectorAll<HTMLElement>(`#detail ${selector}`)];
    const textOf = (selector: string): string =>
      all(selector)
        .map((element) => element.textContent.trim())
        .join(" ")
        .replaceAll(/\s+/g, " ");
    const bits: Record<string, string> = {};
    for (const segment of all(".segment")) {
      const name = segment.dataset["field"]!;
      bits[name] = (bits[name] ?? "") + segment.querySelector(".bits")!.textContent;
    }
    return {
      title: textOf("h2"),
      facts: textOf("header p"),
      bits,
      key: all(".key-bytes")[0]?.textContent,
      masked: textOf("td.masked"),
      unmasked: textOf("td.unmasked"),
      text: all("td.text")
        .map((cell) => cell.textContent)
        .join(""),
      marked: all(".bytes mark")[0]?.textContent,
      markedBits: all(".bits .bad")
        .map((bit) => bit.textContent)
        .join(""),
      error: all(".error p")[0] && textOf(".error p"),
      events: all(".events li").map((item) => item.innerText.replaceAll(/\s+/g, " ").trim()),
    };
  });
}

/** Returns the labels of the existing rows. */
export function rows(page: Page): Promise<string[]> {
  return page.evaluate(() =>
    [...document.querySelectorAll<HTMLElement>("#list [role=option]")]
      .sort((a, b) => Number(a.dataset["index"]) - Number(b.dataset["index"]))
      .map((row) => row.getAttribute("aria-label")!),
  );
}

/** Drops files on the page, like a file manager. */
export async function drop(page: Page, paths: readonly string[]): Promise<void> {
  const session = await page.context().newCDPSession(page);
  const data = { items: [], files: paths, dragOperationsMask: 1 };
  for (const type of ["dragEnter", "dragOver", "drop"]) {
    await session.send("Input.dispatchDragEvent", { type, x: 600, y: 400, data });
  }
}
