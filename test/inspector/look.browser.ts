// The inspector's page: keyboard use, accessible names, contrast in light and dark, narrow windows, and many frames.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { encodeFrame } from "wsframe";
import { drop, executablePath, open, type Page, rows, shown, useChromium } from "./chromium.ts";

useChromium();

/** A broken stream that makes all parts of the page visible. */
const BROKEN = "81 02 6f 6b\n01 05 47 72 c3 bc c3\n80 03 28 65 6e";

async function showBroken(page: Page): Promise<void> {
  await page.getByRole("tab", { name: "Hex or file" }).click();
  await page.getByLabel("Bytes as hex").fill(BROKEN);
  await page.getByRole("button", { name: "Decode" }).click();
  await expect.poll(async () => (await shown(page)).marked).toBe("28");
}

/** Returns the accessible name of the focused element. */
function focused(page: Page): Promise<string> {
  return page.evaluate(() => {
    const element = document.activeElement as HTMLElement;
    const { labels } = element as HTMLInputElement;
    const name = element.getAttribute("aria-label") ?? labels?.[0]?.textContent ?? element.textContent;
    return name.trim().replaceAll(/\s+/g, " ");
  });
}

describe.skipIf(executablePath === undefined)("the keyboard", () => {
  test("reaches all controls in order, with a visible focus", async () => {
    const page = await open();
    const order: string[] = [];
    for (let presses = 0; presses < 40; presses++) {
      await page.keyboard.press("Tab");
      const name = await focused(page);
      if (order[0] === name || (await page.evaluate(() => document.activeElement === document.body))) break;
      order.push(name);
      const outline = await page.evaluate(() => {
        const element = document.activeElement!;
        const around = element.matches(".file input") ? element.parentElement! : element;
        const { outlineStyle, outlineWidth } = getComputedStyle(around);
        return outlineStyle !== "none" && Number.parseFloat(outlineWidth) >= 2;
      });
      expect(outline, name).toBe(true);
    }
    expect(order).toEqual([
      "Live",
      "permessage-deflate",
      "Disconnect",
      "Message to send",
      "Send as",
      "Send",
      "Messages in the burst",
      "Size of each burst message in bytes",
      "Send burst",
      "How the server answers",
      "Server action",
      "Run",
      "Close code: 1000, or 3000 to 4999",
      "Close reason",
      "Close",
      "Follow",
      "Clear",
      "Frames",
      "Opening handshake",
    ]);
  });

  test("leads from a message to the bits of its frame, and back", async () => {
    const page = await open();
    for (let presses = 0; presses < 4; presses++) await page.keyboard.press("Tab");
    expect(await focused(page)).toBe("Message to send");
    await page.keyboard.type("first");
    await page.keyboard.press("Enter");
    // The sent text is selected, so that typing replaces it.
    await page.keyboard.type("second");
    await page.keyboard.press("Enter");
    await expect.poll(async () => (await rows(page)).length).toBe(4);
    await page.keyboard.press("Escape");
    expect(await focused(page)).toBe("Frames");
    const active = (): Promise<string | null> => page.locator("#list").getAttribute("aria-activedescendant");
    for (const [key, title] of [
      ["Home", "Frame 1 text 5 bytes"],
      ["ArrowDown", "Frame 2 text 5 bytes"],
      ["End", "Frame 4 text 6 bytes"],
      ["ArrowUp", "Frame 3 text 6 bytes"],
    ]) {
      await page.keyboard.press(key!);
      await expect.poll(async () => (await shown(page)).title).toBe(title);
    }
    await expect.poll(active).toBe("entry-2");
    expect(await page.locator("#entry-2").getAttribute("aria-selected")).toBe("true");
    await page.keyboard.press("Enter");
    expect(await focused(page)).toBe("The selected frame");
    await page.keyboard.press("Tab");
    expect(await focused(page)).toBe("Edit as hex");
    await page.keyboard.press("Tab");
    expect(await focused(page)).toBe("FIN, 1 bit 1: this is the last frame of its message");
    for (let presses = 0; presses < 4; presses++) await page.keyboard.press("ArrowRight");
    expect(await focused(page)).toBe("opcode, 4 bits 0001: 0x1 text, a text message, or the first frame of one");
    expect(await page.locator(".caption").innerText()).toBe(
      "opcode 0x1 text a text message, or the first frame of one",
    );
    await page.keyboard.press("Escape");
    expect(await focused(page)).toBe("Frames");
    await page.keyboard.press("/");
    expect(await focused(page)).toBe("Message to send");
  });

  test("leads to the other tab, and to the next error", async () => {
    const page = await open();
    await page.keyboard.press("Tab");
    await page.keyboard.press("ArrowRight");
    expect(await focused(page)).toBe("Hex or file");
    await page.keyboard.press("Tab");
    await page.keyboard.type("81 02 6f 6b 83 00");
    await page.keyboard.press("Control+Enter");
    await expect.poll(async () => (await shown(page)).title).toBe("Frame 2 0x3 0 bytes");
    await page.keyboard.press("Escape");
    await page.keyboard.press("Home");
    await expect.poll(async () => (await shown(page)).title).toBe("Frame 1 text 2 bytes");
    await page.keyboard.press("e");
    await expect.poll(async () => (await shown(page)).error).toContain("The opcode is reserved");
  });
});

interface AxNode {
  readonly ignored: boolean;
  readonly role?: { readonly value: string };
  readonly name?: { readonly value: string };
}

describe.skipIf(executablePath === undefined)("the accessibility tree", () => {
  const NAMED = new Set([
    "alert",
    "article",
    "button",
    "checkbox",
    "combobox",
    "DisclosureTriangle",
    "group",
    "link",
    "listbox",
    "option",
    "region",
    "spinbutton",
    "tab",
    "table",
    "tablist",
    "tabpanel",
    "textbox",
  ]);

  async function controls(page: Page): Promise<[role: string, name: string][]> {
    const session = await page.context().newCDPSession(page);
    const { nodes } = (await session.send("Accessibility.getFullAXTree")) as { nodes: readonly AxNode[] };
    return nodes
      .filter(({ ignored, role }) => !ignored && NAMED.has(role?.value ?? ""))
      .map(({ role, name }) => [role!.value, name?.value ?? ""]);
  }

  test("has a name for every control, in both tabs", async () => {
    const page = await open();
    await page.getByLabel("Message to send").fill("Hello");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await expect.poll(async () => (await rows(page)).length).toBe(2);
    const live = await controls(page);
    await showBroken(page);
    const decode = await controls(page);
    for (const found of [live, decode]) {
      // An alert has no name: its text is announced.
      const nameless = found.filter(([role, name]) => name === "" && role !== "alert");
      expect(nameless).toEqual([]);
      expect(found.filter(([role]) => role === "button").length).toBeGreaterThan(10);
      expect(found).toContainEqual(["listbox", "Frames"]);
      expect(found).toContainEqual(["group", "The header, as RFC 6455 section 5.2 draws it"]);
    }
    expect(live).toContainEqual(["option", '1, from the client, text, 5 bytes, "Hello"']);
    expect(decode).toContainEqual(["link", "RFC 6455 §8.1"]);
  });
});

describe.skipIf(executablePath === undefined)("the layout", () => {
  /** Returns the visible texts with too little contrast to their background (WCAG 2.2, 1.4.3). */
  function poorContrasts(page: Page): Promise<string[]> {
    return page.evaluate(() => {
      const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true })!;
      type Color = [r: number, g: number, b: number];
      /** Blends a stack of translucent colours. */
      const paint = (colors: readonly string[]): Color => {
        canvas.clearRect(0, 0, 1, 1);
        for (const color of colors) {
          canvas.fillStyle = color;
          canvas.fillRect(0, 0, 1, 1);
        }
        const [r, g, b] = canvas.getImageData(0, 0, 1, 1).data;
        return [r!, g!, b!];
      };
      const luminance = (color: Color): number => {
        const [r, g, b] = color.map((value) => {
          const part = value / 255;
          return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
      };
      const poor: string[] = [];
      const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
      for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const element = node.parentElement!;
        if (node.textContent!.trim() === "" || !element.checkVisibility() || element.closest(":disabled, .hidden"))
          continue;
        const behind: string[] = [];
        for (let at: Element | null = element; at; at = at.parentElement) {
          behind.unshift(getComputedStyle(at).backgroundColor);
        }
        const { color, fontSize, fontWeight } = getComputedStyle(element);
        const back = paint(behind);
        const fore = paint([...behind, color]);
        const [light, dark] = [luminance(back), luminance(fore)].sort((a, b) => b - a);
        const contrast = (light! + 0.05) / (dark! + 0.05);
        const size = Number.parseFloat(fontSize);
        const large = size >= 24 || (size >= 18.66 && Number(fontWeight) >= 700);
        if (contrast < (large ? 3 : 4.5)) {
          poor.push(`${contrast.toFixed(2)} ${element.className} ${node.textContent!.trim().slice(0, 30)}`);
        }
      }
      return poor;
    });
  }

  test.each(["light", "dark"] as const)("has enough contrast: %s", async (colorScheme) => {
    const page = await open({ colorScheme, complaints: ["WebSocket connection to"] });
    const paper = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const [red] = /\d+/.exec(paper)!;
    expect(Number(red) > 128).toBe(colorScheme === "light");
    for (const label of [
      "Text in 3 fragments, with a Ping between",
      "Binary, 300 bytes: 16-bit length",
      "Text that is not UTF-8",
    ]) {
      await page.getByLabel("Server action").selectOption({ label });
      await page.getByRole("button", { name: "Run", exact: true }).click();
    }
    await expect.poll(async () => (await shown(page)).marked).toBe("fc");
    await expect.poll(() => page.locator("#connection-state").innerText()).toMatch(/^Closed/);
    await page.getByRole("button", { name: "Send", exact: true }).click();
    expect(await poorContrasts(page)).toEqual([]);
    await page.locator("#entry-4").click();
    await expect.poll(async () => (await shown(page)).title).toMatch(/^Frame 5 /);
    expect(await poorContrasts(page)).toEqual([]);
    await showBroken(page);
    expect(await poorContrasts(page)).toEqual([]);
  });

  test.each([400, 320, 700, 1000])("fits into a window of %i pixels", async (width) => {
    const page = await open({ width, height: 700 });
    await page
      .getByLabel("Message to send")
      .fill("A longer message that does not fit into one line of the list, whatever it is");
    await page.getByRole("button", { name: "Send", exact: true }).click();
    await expect.poll(async () => (await rows(page)).length).toBe(2);
    /** Returns elements that extend beyond the window, except inside scrolling ones. */
    const sticksOut = (): Promise<string[]> =>
      page.evaluate(() => {
        const { clientWidth, scrollWidth } = document.documentElement;
        const found = scrollWidth > clientWidth ? [`the page: ${scrollWidth}`] : [];
        for (const element of document.querySelectorAll<HTMLElement>("body *")) {
          if (!element.checkVisibility() || element.closest(".hidden, .bytes-scroll, .preview")) continue;
          const { right, left } = element.getBoundingClientRect();
          if (right > clientWidth + 1 || left < -1) found.push(`${element.tagName} ${element.className} ${right}`);
        }
        return found;
      });
    expect(await sticksOut()).toEqual([]);
    if (width !== 1000) expect(await page.locator(".ruler span").count()).toBe(width < 500 ? 16 : 32);
    await showBroken(page);
    expect(await sticksOut()).toEqual([]);
  });

  test("draws a narrower diagram in a narrower window", async () => {
    const page = await open();
    await showBroken(page);
    const columns = (): Promise<number> => page.locator(".ruler span").count();
    expect(await columns()).toBe(32);
    await page.setViewportSize({ width: 400, height: 800 });
    await expect.poll(columns).toBe(16);
    expect((await shown(page)).markedBits).toBe("00101000");
  });
});

describe.skipIf(executablePath === undefined)("100,000 frames", () => {
  const COUNT = 100_000;

  test("from a file need few rows, and scroll as smoothly as a few frames", { timeout: 120_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), "wsframe-inspector-"));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const framesOf = (count: number): string => {
      const file = join(folder, `${count}.bin`);
      const frames = Array.from({ length: count }, (_, i) =>
        encodeFrame({ opcode: 1, payload: `message ${i + 1}` }, { role: "client" }),
      );
      writeFileSync(file, Buffer.concat(frames));
      return file;
    };
    const page = await open();
    /** Scrolls the list from end to end. Returns the median and the worst time between repaints, in milliseconds. */
    const scroll = (): Promise<{ median: number; worst: number; mostRows: number }> =>
      page.evaluate(async () => {
        const list = document.getElementById("list")!;
        const steps = 120;
        const times: number[] = [];
        let mostRows = 0;
        let last = performance.now();
        for (let step = 0; step <= steps; step++) {
          list.scrollTop = ((list.scrollHeight - list.clientHeight) * step) / steps;
          await new Promise((resolve) => requestAnimationFrame(resolve));
          times.push(performance.now() - last);
          last = performance.now();
          mostRows = Math.max(mostRows, list.querySelectorAll("[role=option]").length);
        }
        times.sort((a, b) => a - b);
        return { median: times[times.length >> 1]!, worst: times.at(-1)!, mostRows };
      });
    await drop(page, [framesOf(500)]);
    await expect.poll(() => page.locator("#summary").innerText()).toMatch(/^500 frames/);
    const few = await scroll();
    await drop(page, [framesOf(COUNT)]);
    await expect.poll(() => page.locator("#summary").innerText(), { timeout: 60_000 }).toMatch(/^100,000 frames/);
    const many = await scroll();
    console.log(
      `Scrolling: ${few.median.toFixed(1)} ms a frame with 500, ${many.median.toFixed(1)} ms with 100,000 ` +
        `(worst ${few.worst.toFixed(0)} and ${many.worst.toFixed(0)})`,
    );
    expect(many.mostRows).toBeLessThan(200);
    // The length of the list does not matter, but a busy machine does.
    expect(many.median).toBeLessThan(Math.max(2 * few.median, 34));
    await page.locator("#list").focus();
    await page.keyboard.press("Home");
    await expect.poll(async () => (await shown(page)).text).toBe("message 1");
    await page.keyboard.press("End");
    await expect.poll(async () => (await shown(page)).text).toBe("message 100000");
    await expect
      .poll(async () => (await rows(page)).at(-1))
      .toBe('100,000, from the client, text, 14 bytes, "message 100000"');
    await page.keyboard.press("PageUp");
    await expect.poll(async () => (await shown(page)).title).toMatch(/^Frame 99,9\d\d text/);
    expect((await rows(page)).length).toBeLessThan(200);
  });

  test("of a burst leave the page responsive", { timeout: 180_000 }, async () => {
    const page = await open();
    await page.getByLabel("How the server answers").selectOption("nothing");
    await page.getByLabel("Messages in the burst").fill(String(COUNT));
    await page.getByRole("button", { name: "Send burst" }).click();
    await expect.poll(async () => (await rows(page)).length).toBeGreaterThan(10);
    // Select a frame while the burst still runs.
    await page.locator("#list").focus();
    await page.keyboard.press("Home");
    await expect.poll(async () => (await shown(page)).title).toBe("Frame 1 text 32 bytes");
    expect(await page.getByLabel("Follow").isChecked()).toBe(false);
    await expect
      .poll(() => page.locator("#summary").innerText(), { timeout: 120_000 })
      .toMatch(/^100,000 frames · 100,000 → 0 ←/);
    expect((await shown(page)).title).toBe("Frame 1 text 32 bytes");
    expect((await rows(page)).length).toBeLessThan(200);
  });
});
