// Compares other decoders with the reference decoder on some of the streams. peers.slow.ts runs all of them.

import { expect, test } from "vitest";
import { OTHERS, OURS } from "./peers/all.ts";
import { arrivals, findingsOf, runPeer } from "./peers/check.ts";
import { random, systematic } from "./peers/corpus.ts";
import type { Row } from "./peers/differences.ts";
import { type Decode, ownDecoder } from "./peers/own-decoder.ts";
import type { Peer } from "./peers/peer.ts";
import { byRule, type Grade } from "./peers/verdict.ts";
import { frameDecoder } from "./peers/wsframe.ts";
import { ws } from "./peers/ws.ts";

/** Some of the streams for each rule. */
const some = arrivals([
  ...systematic().filter(({ stream }, i) => stream.length < 5000 && i % 17 === 0),
  ...random(7, 30),
]);

test.each([...OURS, ...OTHERS].map((peer) => [peer.name, peer] as const))(
  "%s finds what the reference decoder and its rows predict",
  async (_, peer) => {
    const results = await runPeer(peer, some);
    expect(results.length).toBeGreaterThan(300);
    expect(findingsOf(peer, results)).toEqual([]);
  },
);

test("a difference without a row is a finding that names the stream", async () => {
  const results = await runPeer(ws, some);
  const [first] = findingsOf(ws, results, []);
  expect(first).toMatch(/^ws: .*, to a (server|client), byte by byte: expected error 1002 .* after \d+ bytes, found /);
});

test("a wrong row is a finding", async () => {
  const row: Row = { peer: "FrameDecoder", rules: ["length-minimal"], when: "never", says: "" };
  expect(findingsOf(frameDecoder, await runPeer(frameDecoder, some), [row])).not.toEqual([]);
});

/** A correct decoder whose result is modified. */
function spoilt(spoil: (decoded: Awaited<ReturnType<Decode>>) => Awaited<ReturnType<Decode>>): Peer {
  const decode: Decode = async ({ role, chunks }) => {
    const list: Uint8Array[] = [];
    for (const chunk of chunks) {
      list.push(chunk);
      const [found] = await frameDecoder.run([{ role, chunks: list }]);
      if (found!.error) break;
    }
    const [found] = await frameDecoder.run([{ role, chunks: list }]);
    const messages = found!.events.map((event) => {
      const [type, ...rest] = event.split(":") as ["text" | "binary" | "ping" | "pong" | "close", ...string[]];
      const data = new Uint8Array(Buffer.from(rest.at(-1)!, "hex"));
      return type === "close" && rest[0] !== "none" ? { type, code: Number(rest[0]), data } : { type, data };
    });
    return spoil({ messages, error: found!.error });
  };
  return ownDecoder("spoilt", { decode });
}

const few = arrivals(systematic().filter(({ stream }, i) => stream.length < 300 && i % 97 === 0));

test.each<[Grade, Parameters<typeof spoilt>[0]]>([
  ["ok", (decoded) => decoded],
  ["code", ({ messages, error }) => ({ messages: messages!, ...(error && { error: { closeCode: 4000 } }) })],
  ["strict", ({ messages }) => ({ messages: messages!.slice(0, 1), error: {} })],
  ["wrong", ({ messages, error }) => ({ messages: messages!.map((message) => ({ ...message, data: "?" })), error })],
  ["lax", ({ messages }) => ({ messages: messages! })],
])("grades a decoder that is %s", async (grade, spoil) => {
  const verdicts = byRule(await runPeer(spoilt(spoil), few));
  expect(verdicts.some((verdict) => verdict.counts[grade] > 0)).toBe(true);
  const others = verdicts.filter(({ counts }) =>
    Object.entries(counts).some(([name, n]) => n > 0 && name !== "ok" && name !== grade),
  );
  expect(others).toEqual([]);
});

test("grades a decoder as late if it stops some bytes after the error", async () => {
  const late: Decode = async ({ role, chunks }) => {
    const list = [...chunks];
    const [found] = await frameDecoder.run([{ role, chunks: list }]);
    const frames = found!.events.map((event) => ({ opcode: 1, fin: true, payload: Buffer.from(event) }));
    return found!.error ? { frames: frames.slice(0, 0), error: {} } : { frames };
  };
  const wrong = arrivals([{ rule: "rsv", role: "client", name: "RSV1", stream: Uint8Array.of(0xc1, 0) }]);
  const [verdict] = byRule(await runPeer(ownDecoder("late", { decode: late }), wrong));
  expect(verdict).toMatchObject({ rule: "rsv", grade: "late" });
});

test("refuses a module without decode()", () => {
  expect(() => ownDecoder("a.js", {})).toThrow(TypeError);
  expect(() => ownDecoder("a.js", { decode: () => ({}), roles: ["peer"] })).toThrow(TypeError);
});
