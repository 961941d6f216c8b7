// The part of sent messages that a sender keeps as context for later ones.

import { describe, expect, test } from "vitest";
import type { ExtensionSession } from "../../src/frame/extension.ts";
import { Random } from "../support/random.ts";
import { evict } from "./support/evict.ts";
import { KINDS } from "./support/kinds.ts";
import { json } from "./support/messages.ts";
import { bytes, parameters, receive, send, sendParts } from "./support/session.ts";

/** Sends a text with encodeText(), if the session has it. */
function sendText(session: ExtensionSession, text: string, compress?: boolean): Uint8Array | undefined {
  const encoded = session.encodeText?.(text, compress);
  return encoded && new Uint8Array(encoded);
}

describe.each(KINDS)("%s", (kind, { open }) => {
  test("a long message that gets shorter is context for the next", () => {
    const random = new Random(1);
    for (const length of [40_000, 100_000]) {
      const message = json(random, length);
      const again = message.subarray(-2000);
      const sender = open("server");
      const receiver = open("client");
      expect(Buffer.compare(receive(receiver, send(sender, message, "auto")!), message)).toBe(0);
      const encoded = send(sender, again, "auto")!;
      expect(encoded.length).toBeLessThan(60);
      expect(Buffer.compare(receive(receiver, encoded), again)).toBe(0);
    }
  });

  test("a sender that loses its slot after each message still uses its whole window", () => {
    const random = new Random(2);
    const sender = open("server");
    const receiver = open("client");
    // This message is not in the window.
    expect(send(sender, random.bytes(4000), "auto")).toBeUndefined();
    if (kind === "core") evict();
    for (let i = 0; i < 12; i++) {
      const message = json(random, 3500);
      expect(Buffer.compare(receive(receiver, send(sender, message)!), message)).toBe(0);
      if (kind === "core") evict();
    }
  });

  test("a text that does not get shorter leaves the context unchanged", () => {
    const random = new Random(4);
    const sender = open("server", [], { threshold: 0 });
    const receiver = open("client");
    const text = (length: number): string =>
      String.fromCharCode(...random.bytes(length).map((byte) => 0x20 + (byte & 63)));
    let taken = 0;
    for (let i = 0; i < 10; i++) {
      const message = json(random, 900);
      expect(Buffer.compare(receive(receiver, send(sender, message)!), message)).toBe(0);
      const short = text(i);
      const encoded = sendText(sender, short);
      if (encoded === undefined) taken++;
      else expect(Buffer.from(receive(receiver, encoded)).toString()).toBe(short);
      const again = send(sender, message)!;
      expect(again.length).toBeLessThan(40);
      expect(Buffer.compare(receive(receiver, again), message)).toBe(0);
    }
    expect(taken).toBeGreaterThan(kind === "core" ? 5 : 9);
  });

  test("an empty message leaves the context unchanged", () => {
    const sender = open("server");
    const message = json(new Random(6), 900);
    send(sender, message);
    expect([...send(sender, new Uint8Array(0))!]).toEqual([0]);
    expect(send(sender, message)!.length).toBeLessThan(40);
  });

  test("without context takeover, every message is like the first: whole, in fragments, with an empty last one, as a text", () => {
    const sender = open("server", parameters("server_no_context_takeover"));
    const text = "What is said twice is as long the second time. ".repeat(3);
    const messages: (() => Uint8Array)[] = [
      () => send(sender, bytes(text))!,
      () => sendParts(sender, [bytes(text), bytes(text)]),
      () => send(sender, bytes(text))!,
      () => sendParts(sender, [bytes(text), new Uint8Array(0)]),
      () => sendText(sender, text, true) ?? send(sender, bytes(text))!,
    ];
    const first = messages.map((encode) => Buffer.from(encode()).toString("hex"));
    const second = messages.map((encode) => Buffer.from(encode()).toString("hex"));
    expect(second).toEqual(first);
    expect([first[2], first[4], first[0]!.length < first[1]!.length]).toEqual([first[0], first[0], true]);
  });

  test("compresses a text of any length", () => {
    const sender = open("server");
    const receiver = open("client");
    for (const length of [0, 1, 10_000, 12_000, 40_000, 100_000]) {
      const text = "aé漢".repeat(Math.ceil(length / 3)).slice(0, length);
      const encoded = sendText(sender, text, true) ?? send(sender, bytes(text))!;
      expect(Buffer.from(receive(receiver, encoded)).toString()).toBe(text);
    }
  });

  test("sends a message uncompressed if compression does not make it shorter", () => {
    const random = new Random(7);
    const lengths = new Set<number>();
    for (let i = 0; i < 300; i++) {
      const message = random.bytes(random.integer(4, 30)).map((byte) => byte & 31);
      message.copyWithin(message.length - random.integer(3, 8), 0);
      const compressed = send(open("server"), message)!.length;
      const encoded = send(open("server", [], { threshold: 0 }), message, "auto");
      expect(encoded?.length).toBe(compressed < message.length ? compressed : undefined);
      lengths.add(compressed - message.length);
    }
    expect(lengths.has(0)).toBe(true);
  });

  test("a session tells whether it would compress a message: from the threshold, unless the sender decides", () => {
    const session = open("server", [], { threshold: 100 });
    for (const [length, compress, wanted] of [
      [99, undefined, false],
      [100, undefined, true],
      [99, true, true],
      [100, false, false],
    ] as const) {
      expect(session.wants!(length, compress)).toBe(wanted);
    }
  });
});

test.each(KINDS)("%s: maxInflateRatio 1 refuses a message that inflates to more than its length", (_, { open }) => {
  const data = new Random(3).bytes(500);
  const sent = send(open("server"), data)!;
  expect(receive(open("client", [], { maxInflateRatio: 1 }), sent)).toEqual(data);
  const shorter = send(open("server"), new Uint8Array(500))!;
  expect(() => receive(open("client", [], { maxInflateRatio: 1 }), shorter)).toThrow("maxInflateRatio");
  expect(() => open("client", [], { maxInflateRatio: 0.99 })).toThrow(RangeError);
});
