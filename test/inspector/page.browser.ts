// The inspector's page, controlled like a user would.

import { describe, expect, test } from "vitest";
import { drop, executablePath, open, type Page, rows, shown, useChromium } from "./chromium.ts";
import { fileURLToPath } from "node:url";

useChromium();

const captures = fileURLToPath(new URL("../fixtures/captures/", import.meta.url));

const summary = (page: Page): Promise<string> => page.locator("#summary").innerText();
const state = (page: Page): Promise<string> => page.locator("#connection-state").innerText();

async function send(page: Page, text: string): Promise<void> {
  await page.getByLabel("Message to send").fill(text);
  await page.getByRole("button", { name: "Send", exact: true }).click();
}

async function ask(page: Page, label: string): Promise<void> {
  await page.getByLabel("Server action").selectOption({ label });
  await page.getByRole("button", { name: "Run", exact: true }).click();
}

async function decode(page: Page, hex: string): Promise<void> {
  await page.getByRole("tab", { name: "Hex or file" }).click();
  await page.getByLabel("Bytes as hex").fill(hex);
  await page.getByRole("button", { name: "Decode" }).click();
}

describe.skipIf(executablePath === undefined)("live", () => {
  test("keeps the list at its end until the user scrolls, even with bursts, resizing and other tabs", async () => {
    const page = await open();
    const isFollowing = (): Promise<boolean> => page.getByLabel("Follow").isChecked();
    const gap = (): Promise<number> =>
      page.evaluate(() => {
        const list = document.querySelector("#list")!;
        return list.scrollHeight - list.clientHeight - list.scrollTop;
      });
    for (let i = 1; i <= 25; i++) {
      await send(page, `message ${i}`);
      await expect.poll(() => summary(page)).toContain(`${2 * i} frames`);
    }
    expect(await isFollowing()).toBe(true);
    await expect.poll(gap).toBeLessThan(1);
    await page.getByLabel("Messages in the burst").fill("100");
    for (const frames of [250, 450]) {
      await page.getByRole("button", { name: "Send burst" }).click();
      await expect.poll(() => summary(page)).toContain(`${frames} frames`);
      await expect.poll(gap).toBeLessThan(1);
    }
    await page.setViewportSize({ width: 1280, height: 700 });
    await expect.poll(gap).toBeLessThan(1);
    await page.getByRole("tab", { name: "Hex or file" }).click();
    expect(await page.getByLabel("Follow").isVisible()).toBe(false);
    await page.getByRole("tab", { name: "Live" }).click();
    await expect.poll(gap).toBeLessThan(1);
    expect(await isFollowing()).toBe(true);
    await page.evaluate(() => document.querySelector("#list")!.scrollBy(0, -1000));
    await expect.poll(isFollowing).toBe(false);
    expect(await gap()).toBeGreaterThan(500);
  });

  test("shows a message and its echo with their bits", async () => {
    const page = await open();
    expect(await page.locator("#core").innerText()).toBe("WASM core");
    await send(page, "Größe");
    await expect
      .poll(() => rows(page))
      .toEqual(['1, from the client, text, 7 bytes, "Größe"', '2, from the server, text, 7 bytes, "Größe"']);
    const first = await shown(page);
    expect(first.title).toBe("Frame 1 text 7 bytes");
    expect(first.facts).toMatch(/^client → server · connection 1 · bytes 0 to 12 of the stream · after \d+ ms$/);
    const key = first.key!.split(" ").map((byte) => Number.parseInt(byte, 16));
    const plain = [...new TextEncoder().encode("Größe")];
    const hex = (bytes: number[]): string => bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
    const binary = (bytes: number[]): string => bytes.map((byte) => byte.toString(2).padStart(8, "0")).join("");
    const masked = plain.map((byte, index) => byte ^ key[index % 4]!);
    expect(first).toMatchObject({
      masked: hex(masked),
      unmasked: hex(plain),
      text: "Größe",
      events: ["text 5 UTF-16 units Größe"],
      error: undefined,
    });
    const { payload, ...header } = first.bits;
    expect(header).toEqual({
      FIN: "1",
      RSV1: "0",
      RSV2: "0",
      RSV3: "0",
      opcode: "0001",
      MASK: "1",
      length: "0000111",
      key: binary(key),
    });
    expect(binary(masked).startsWith(payload!)).toBe(true);
    await page.locator("[role=option]").nth(1).click();
    await expect.poll(async () => (await shown(page)).title).toBe("Frame 2 text 7 bytes");
    expect(await shown(page)).toMatchObject({ key: undefined, masked: "", unmasked: hex(plain), bits: { MASK: "0" } });
    await page.locator("#heads summary").click();
    const heads = await page.locator("#heads pre").allInnerTexts();
    expect(heads[0]).toMatch(/^GET \/echo\?watcher=[0-9a-f]{32} HTTP\/1\.1\n(.+\n)*Sec-WebSocket-Key: /);
    expect(heads[1]).toMatch(/^HTTP\/1\.1 101 Switching Protocols\n/);
  });

  test("sends binary messages, and refuses text that is not hex", async () => {
    const page = await open();
    await page.getByLabel("Send as").selectOption("binary");
    await send(page, "00 ff 7f");
    await expect.poll(async () => (await rows(page))[1]).toBe("2, from the server, binary, 3 bytes, 00 ff 7f");
    expect((await shown(page)).events).toEqual(["binary 3 bytes 00 ff 7f"]);
    await send(page, "xyz");
    expect(await page.locator("#live-problem").innerText()).toContain("in hex");
    await send(page, "0");
    expect(await page.locator("#live-problem").innerText()).toContain("one digit");
  });

  test("shows a compressed frame, and the inflated message as its event", async () => {
    const page = await open();
    await page.getByLabel("permessage-deflate").check();
    await expect.poll(() => state(page)).toBe("Connected, compressed");
    const text = "again and ".repeat(20);
    await send(page, text);
    await expect.poll(async () => (await rows(page)).at(-1)).toContain("again and again");
    const { bits, events, title } = await shown(page);
    expect(bits["RSV1"]).toBe("1");
    expect(events).toEqual([`text 200 UTF-16 units ${text.trim()}`]);
    expect(Number(/(\d+) bytes/.exec(title)![1])).toBeLessThan(40);
  });

  test("shows valid frames that the server sends on request", async () => {
    const page = await open();
    await ask(page, "Text in 3 fragments, with a Ping between");
    await expect
      .poll(() => rows(page))
      .toEqual([
        '1, from the server, text, more, 19 bytes, "A message may come "',
        '2, from the server, continuation, more, 25 bytes, "in fragments, and a Ping "',
        '3, from the server, ping, 10 bytes, "in between"',
        '4, from the server, continuation, 13 bytes, "between them."',
        '5, from the client, pong, 10 bytes, "in between"',
      ]);
    expect((await shown(page)).events).toEqual([]);
    expect(await page.locator("#detail .none").innerText()).toBe("None yet: the message is not complete.");
    await page.locator("[role=option]").nth(3).click();
    await expect
      .poll(async () => (await shown(page)).events)
      .toEqual(["text 57 UTF-16 units A message may come in fragments, and a Ping between them."]);
    await ask(page, "Binary, 70,000 bytes: 64-bit length");
    await expect.poll(async () => (await shown(page)).title).toBe("Frame 6 binary 70,000 bytes");
    const { bits } = await shown(page);
    expect(bits["length"]).toBe("1111111");
    expect(Number.parseInt(bits["extended"]!, 2)).toBe(70_000);
    // Byte 1024 is on the next page.
    await page.getByRole("button", { name: "Next", exact: true }).click();
    expect((await shown(page)).unmasked.startsWith("00 01 02")).toBe(true);
    expect(await page.locator(".pager span").innerText()).toBe("Bytes 1,024 to 2,047 of 70,000 bytes");
  });

  test.each([
    ["Text that is not UTF-8", "Text must be valid UTF-8 (RFC 6455 §8.1) Byte 3 of the frame", "fc"],
    ["A reserved opcode", "The opcode is reserved (RFC 6455 §5.2) Byte 0 of the frame", undefined],
    ["A masked frame", "A frame from a server must not be masked (RFC 6455 §5.1) Byte 1 of the frame", undefined],
    ["A Close with 1005", "The close code must not be sent (RFC 6455 §7.4) Byte 3 of the frame", "ed"],
  ])("shows a broken rule: %s", async (label, error, marked) => {
    const page = await open({ complaints: ["WebSocket connection to"] });
    await send(page, "before");
    await expect.poll(async () => (await rows(page)).length).toBe(2);
    await ask(page, label);
    await expect.poll(async () => (await shown(page)).error).toContain(error);
    const found = await shown(page);
    expect(found.marked).toBe(marked);
    expect(found.markedBits).toHaveLength(8);
    if (marked !== undefined) expect(Number.parseInt(found.markedBits, 2).toString(16)).toBe(marked);
    expect(found.events[0]).toMatch(/^error WS_ERR_/);
    // The earlier frames are still listed.
    expect((await rows(page))[0]).toBe('1, from the client, text, 6 bytes, "before"');
    await expect.poll(() => state(page)).toMatch(/^Closed: /);
    await page.getByRole("button", { name: "Connect", exact: true }).click();
    await expect.poll(() => state(page)).toBe("Connected");
  });

  test("closes with a code and a reason, and refuses invalid ones", async () => {
    const page = await open();
    await page.getByLabel("Close code: 1000, or 3000 to 4999").fill("1002");
    await page.getByRole("button", { name: "Close", exact: true }).click();
    const problem = page.locator("#live-problem");
    expect(await problem.innerText()).toBe("A browser can only close with 1000 or a code from 3000 to 4999");
    await page.getByLabel("Close code: 1000, or 3000 to 4999").fill("4001");
    await page.getByLabel("Close reason").fill("é".repeat(100));
    await page.getByRole("button", { name: "Close", exact: true }).click();
    expect(await problem.innerText()).toBe("A close reason can have up to 123 bytes, and this one has 200");
    await page.getByLabel("Close code: 1000, or 3000 to 4999").fill("4001");
    await page.getByLabel("Close reason").fill("bye");
    await page.getByRole("button", { name: "Close", exact: true }).click();
    await expect.poll(() => state(page)).toBe("Closed: 4001");
    await expect
      .poll(() => rows(page))
      .toEqual(['1, from the client, close, 5 bytes, 4001 "bye"', "2, from the server, close, 2 bytes, 4001"]);
    expect((await shown(page)).events).toEqual(["close 4001 bye"]);
    await send(page, "too late");
    expect(await page.locator("#live-problem").innerText()).toBe("Not connected");
  });

  test("sends a burst, and clears the list", async () => {
    const page = await open();
    await page.getByLabel("Messages in the burst").fill("3000");
    await page.getByLabel("Size of each burst message in bytes").fill("200");
    await page.getByRole("button", { name: "Send burst" }).click();
    // 3,000 frames of 208 bytes, and 3,000 of 204 bytes.
    await expect
      .poll(() => summary(page), { timeout: 20_000 })
      .toBe("6,000 frames · 3,000 → 3,000 ← · 1,236,000 bytes");
    expect((await rows(page)).length).toBeLessThan(100);
    await page.getByRole("button", { name: "Clear" }).click();
    await expect.poll(() => summary(page)).toBe("none yet");
    await expect.poll(() => rows(page)).toEqual([]);
  });
});

describe.skipIf(executablePath === undefined)("hex and files", () => {
  test("are decoded when hex is pasted", async () => {
    const page = await open();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.evaluate(() => navigator.clipboard.writeText("81 85 37 fa 21 3d 7f 9f 4d 51 58"));
    await page.getByRole("tab", { name: "Hex or file" }).click();
    await page.getByLabel("Bytes as hex").focus();
    await page.keyboard.press("Control+v");
    await expect.poll(() => rows(page)).toEqual(['1, from the client, text, 5 bytes, "Hello"']);
    expect(await shown(page)).toMatchObject({
      facts: "client → server · hex text · bytes 0 to 10 of the stream",
      key: "37 fa 21 3d",
      masked: "7f 9f 4d 51 58",
      unmasked: "48 65 6c 6c 6f",
      events: ["text 5 UTF-16 units Hello"],
    });
  });

  test("show the wrong byte and the rule, and keep earlier frames", async () => {
    const page = await open();
    await decode(page, "81 02 6f 6b\n01 05 47 72 c3 bc c3\n80 03 28 65 6e");
    await expect.poll(async () => (await rows(page)).length).toBe(3);
    expect(await shown(page)).toMatchObject({
      title: "Frame 3 continuation 3 bytes",
      error:
        "Text must be valid UTF-8 (RFC 6455 §8.1) Byte 2 of the frame, byte 13 of the stream. " +
        "wsframe would close the connection with 1007, invalid payload.",
      marked: "28",
      markedBits: "00101000",
      events: ["error WS_ERR_INVALID_UTF8, RFC 6455 §8.1", "close 1006, abnormal closure, not clean"],
    });
    expect(await page.locator("#detail .error a").getAttribute("href")).toBe(
      "https://www.rfc-editor.org/rfc/rfc6455#section-8.1",
    );
    expect(await summary(page)).toBe("3 frames · 0 → 3 ← · 16 bytes · 1 error");
    // The selected sender decides the role.
    await page.getByLabel("Sender of the bytes").selectOption("client");
    await page.getByRole("button", { name: "Decode" }).click();
    await expect.poll(async () => (await shown(page)).error).toContain("A frame from a client must be masked");
  });

  test("mark the place after the last byte of incomplete text", async () => {
    const page = await open();
    await decode(page, "81 03 61 62 c3");
    await expect.poll(async () => (await shown(page)).marked).toBe("··");
  });

  test("show an error for text that is not hex", async () => {
    const page = await open();
    await decode(page, "81 05 hello");
    expect(await page.locator("#decode-problem").innerText()).toBe("Not hex: character 7 is “h”");
    await decode(page, "81 0");
    expect(await page.locator("#decode-problem").innerText()).toContain("only one digit");
    await decode(page, "");
    expect(await page.locator("#decode-problem").innerText()).toBe("Enter some hex bytes first");
  });

  test("can be dropped: both directions of a compressed connection, with their heads", async () => {
    const page = await open();
    const folder = `${captures}ws-ws-fragments-deflate`;
    await drop(page, [`${folder}/server.bin`, `${folder}/client.bin`]);
    await expect.poll(() => summary(page)).toMatch(/^\d+ frames · 143 → \d+ ←/);
    await expect.poll(async () => (await shown(page)).facts).toContain("client.bin");
    await page.locator("#heads summary").click();
    expect((await page.locator("#heads pre").allInnerTexts())[1]).toContain("101 Switching Protocols");
    // The first message has three frames. It is inflated with the last one.
    await page.locator("[role=option]").nth(2).click();
    await expect.poll(async () => (await shown(page)).events[0]).toMatch(/^text \d+ UTF-16 units /);
    expect(await summary(page)).not.toContain("error");
  });

  test("can be dropped as a folder, or opened", async () => {
    const page = await open();
    await drop(page, [`${captures}ws-ws-fragments`]);
    await expect.poll(() => summary(page)).toMatch(/^\d+ frames/);
    expect(await page.getByRole("tab", { name: "Hex or file" }).getAttribute("aria-selected")).toBe("true");
    const before = await summary(page);
    await page.locator("#files").setInputFiles([`${captures}node22-ws/client.bin`]);
    await expect.poll(() => summary(page)).not.toBe(before);
  });

  test("count the bytes after a Close", async () => {
    const page = await open();
    await page.locator("#files").setInputFiles([`${captures}python-socketio-socketio/client.bin`]);
    await expect.poll(() => summary(page)).toContain("15 bytes of client.bin ignored after the last frame");
  });

  test("show an error for a file without frames", async () => {
    const page = await open();
    const buffer = Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n");
    await page.getByRole("tab", { name: "Hex or file" }).click();
    await page.locator("#files").setInputFiles({ name: "response", mimeType: "", buffer });
    await expect.poll(() => page.locator("#decode-problem").innerText()).toContain("not 101 Switching Protocols");
  });

  test("can start from a frame of the live connection", async () => {
    const page = await open();
    await send(page, "Hello");
    await expect.poll(async () => (await rows(page)).length).toBe(2);
    await page.getByRole("button", { name: "Edit as hex" }).click();
    const hex = await page.getByLabel("Bytes as hex").inputValue();
    expect(hex).toMatch(/^81 85( [0-9a-f]{2}){9}$/);
    await expect.poll(() => rows(page)).toEqual(['1, from the client, text, 5 bytes, "Hello"']);
    await decode(page, hex.replace("81 85", "c1 85"));
    await expect.poll(async () => (await shown(page)).error).toContain("RSV1 must be clear");
    // The other tab has kept its frames.
    await page.getByRole("tab", { name: "Live" }).click();
    await expect.poll(async () => (await rows(page)).length).toBe(2);
  });
});
