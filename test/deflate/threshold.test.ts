// Messages that are too short to be compressed.

import { describe, expect, test } from "vitest";
import { FrameDecoder, perMessageDeflate, Protocol, type SendOptions } from "../../src/index.ts";
import { concat } from "../reference/serialize.ts";
import { other, ROLES, short, written } from "../support/wire.ts";

describe.each(ROLES)("role %s", (role) => {
  test.each([true, false])(
    "counts the threshold in bytes of UTF-8, for text and bytes; context takeover: %s",
    (takeover) => {
      const parameters = takeover
        ? []
        : (["client_no_context_takeover", "server_no_context_takeover"] as const).map((name) => [name, true] as const);
      const isCompressed = (data: string | Uint8Array, options?: SendOptions): boolean => {
        const extension = perMessageDeflate({ threshold: 1000 });
        const protocol = new Protocol({ role, extensions: [{ extension, parameters }] });
        protocol.send(data, options);
        return written(protocol, role)[0]!.rsv === 4;
      };
      for (const [unit, bytes] of [
        ["a", 1],
        ["é", 2],
        ["漢", 3],
      ] as const) {
        const least = Math.ceil(1000 / bytes);
        expect([unit, isCompressed(unit.repeat(least - 1)), isCompressed(unit.repeat(least))]).toEqual([
          unit,
          false,
          true,
        ]);
        expect(isCompressed(unit.repeat(10), { compress: true })).toBe(true);
        expect(isCompressed(unit.repeat(least), { compress: false })).toBe(false);
      }
      expect([isCompressed(new Uint8Array(999)), isCompressed(new Uint8Array(1000))]).toEqual([false, true]);
    },
  );

  test("sends a text that does not get shorter uncompressed, and leaves the context unchanged", () => {
    const extensions = [perMessageDeflate({ threshold: 0 })];
    const protocol = new Protocol({ role, extensions });
    const peer = new Protocol({ role: other(role), extensions: [perMessageDeflate()] });
    const texts = ["abc", "longer ".repeat(20), "xyz", "longer ".repeat(20), "abc"];
    for (const text of texts) protocol.send(text);
    protocol.send("abc", { compress: true });
    const bytes = concat(protocol.take());
    const frames = new FrameDecoder({ role: other(role), rsv: 7 }).decode(bytes.slice());
    expect(frames.map(({ rsv }) => rsv)).toEqual([0, 4, 0, 4, 0, 4]);
    expect(short(peer.receive(bytes))).toEqual([...texts, "abc"].map((text) => `text:${text}`));
  });

  test("completes a message of several segments on arrival, and the next uses its context", () => {
    const protocol = new Protocol({ role, extensions: [perMessageDeflate()] });
    const peer = new Protocol({ role: other(role), extensions: [perMessageDeflate()] });
    const long = new Uint8Array(300_000).map((_, i) => (i * i) >> 7);
    for (let i = 0; i < 2; i++) {
      protocol.send(long);
      const bytes = concat(protocol.take());
      expect(bytes.length).toBeLessThan(long.length);
      const events = peer.receive(bytes);
      expect(events.map(({ type }) => type)).toEqual(["binary"]);
      for (const event of events) if (event.type === "binary") expect(Buffer.compare(event.data, long)).toBe(0);
    }
  });
});
