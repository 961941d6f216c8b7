// A long message that is sent in slices.

import { expect, test } from "vitest";
import { SlicedMessage } from "../../src/protocol/sliced-message.ts";

test.each<[string, string | Uint8Array]>([
  ["bytes", new Uint8Array(1000).map((_, i) => i)],
  ["ASCII", "plain ".repeat(150)],
  ["text of three bytes per character", "漢字".repeat(150)],
])("%s: returns everything in order, in slices of about the size", (_, data) => {
  const { length } = Buffer.from(data as string);
  const message = new SlicedMessage(data, length, 100);
  const parts: Buffer[] = [];
  expect([message.bytes, message.isDone]).toEqual([length, false]);
  while (!message.isDone) {
    const left = message.bytes;
    const part = Buffer.from(message.next() as string);
    expect(part.length).toBeLessThanOrEqual(100);
    if (!message.isDone) expect(part.length).toBeGreaterThan(90);
    expect(message.bytes).toBe(left - part.length);
    parts.push(part);
  }
  expect(Buffer.concat(parts).equals(Buffer.from(data as string))).toBe(true);
});

test("a slice has at least one character, however small the size", () => {
  const message = new SlicedMessage("漢字", 6, 1);
  expect([message.next(), message.isDone, message.next(), message.isDone]).toEqual(["漢", false, "字", true]);
});
