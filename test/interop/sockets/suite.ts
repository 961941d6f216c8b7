// The tests for each peer, whether it is the server or the client.

import { describe, expect, test } from "vitest";
import { Random } from "../../support/random.ts";
import type { End, Ended, FrameHead } from "./end.ts";
import type { Report } from "./process.ts";

export interface OpenOptions {
  readonly protocols?: readonly string[];
  /** Whether the peer offers or accepts permessage-deflate. */
  readonly deflate?: boolean;
  /** Whether our side offers or accepts permessage-deflate. Default: as the peer does. */
  readonly oursDeflate?: boolean;
}

/** A connection between our side and theirs. */
export interface Talk {
  readonly ours: End;
  /** Waits for the peer's report after the connection has ended. */
  report(): Promise<Report>;
}

export interface Subject {
  open(options?: OpenOptions): Promise<Talk>;
  /** Abilities that the peer or its API lacks. */
  readonly lacks?: readonly Ability[];
  /** Deviations from the usual behaviour. */
  readonly oddities?: Oddities;
  /** Cuts the connection from outside, for a peer that cannot do so on request. */
  abort?(): unknown;
}

type Ability =
  /** Sends fragments. */
  | "fragments"
  /** Sends Pings. */
  | "pings"
  /** Reports which Pings and Pongs it received. */
  | "telling pings"
  | "telling pongs"
  /** Closes on request, with a given code. */
  | "closing"
  | "closing without a code"
  /** Reports how a connection ended. */
  | "telling closes"
  | "compression"
  /** Compresses its own messages, too. */
  | "compressing"
  /** Can run without compression. */
  | "going without compression";

interface Oddities {
  /** Once the peer has received a Close, it does not answer earlier messages. */
  readonly losesLast?: boolean;
  /** The code of the peer's answer to our Close(4001), or 1006 for a malformed answer. */
  readonly answer?: number;
  /** The code of the peer's answer to a Close without a code. */
  readonly emptyAnswer?: number;
  /** How the peer's connections end when the peer is killed. */
  readonly lastWords?: Ended;
  /** The code that the peer reports for a connection that was cut. */
  readonly cut?: number;
  /** The code that the peer reports after we have answered its Close(3999). */
  readonly own?: number;
  /** A Ping between the fragments of a compressed message breaks the peer's receiver. */
  readonly pingsBreakInflating?: boolean;
}

const PARTS = ["Zwölf ", "", "Boxkämpfer", " 🥊"];
const WHOLE = PARTS.join("");
const LENGTHS = [0, 1, 125, 126, 127, 65_535, 65_536, 1 << 20];

function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7) & 255);
}

/** Compares without printing a megabyte on failure. */
function expectSame(got: string | Uint8Array, message: string | Uint8Array): void {
  const what = (data: string | Uint8Array) => `${typeof data} of ${data.length}`;
  expect(what(got)).toBe(what(message));
  const isSame = typeof message === "string" ? got === message : Buffer.compare(got as Uint8Array, message) === 0;
  expect(isSame, `${what(message)}: what came back is what was sent`).toBe(true);
}

/** Sends all messages at once, and waits until they come back in order. */
async function expectEcho(
  { connection, messages, errors }: End,
  sent: readonly (string | Uint8Array)[],
): Promise<void> {
  for (const message of sent) connection.send(message);
  for (const message of sent) expectSame(await messages.next(), message);
  expect(errors).toEqual([]);
}

/** The frames of messages, without control frames. */
const dataFrames = (heads: readonly FrameHead[]) => heads.filter(({ opcode }) => opcode < 8);

async function* pieces<T extends string | Uint8Array>({ connection }: End, parts: readonly T[], pings: boolean) {
  for (const [i, part] of parts.entries()) {
    if (i > 0 && pings) connection.ping(`between ${i}`);
    yield part;
    // Send each fragment before the next one is made.
    await connection.drained();
  }
}

export function suite(name: string, { open, lacks = [], oddities = {}, abort }: Subject): void {
  const has = (ability: Ability) => !lacks.includes(ability);
  const close = (talk: Talk) => {
    talk.ours.connection.close(1000);
    return talk.report();
  };

  describe(name, () => {
    test("text of every length class arrives, ASCII, empty, and with multi-byte characters", async () => {
      const { ours } = await open();
      await expectEcho(ours, [
        "ASCII",
        "",
        WHOLE,
        "日本語",
        ...LENGTHS.map((length) => "x".repeat(length)),
        "ü".repeat(70_000),
      ]);
      if (has("going without compression")) expect(ours.connection.extensions).toBe("");
    });

    test("binary messages of every length class arrive", async () => {
      const { ours } = await open();
      await expectEcho(ours, LENGTHS.map(bytes));
    });

    test("many small messages at once stay in order", async () => {
      const { ours } = await open();
      await expectEcho(
        ours,
        Array.from({ length: 2000 }, (_, i) => (i % 5 === 0 ? bytes(i % 200) : `${i} ☂`)),
      );
    });

    test("our fragmented messages arrive, with pings between the fragments", async () => {
      const { ours } = await open();
      expect(await ours.connection.send(pieces(ours, PARTS, true))).toBe(true);
      expect(await ours.messages.next()).toBe(WHOLE);
      expect(await ours.pongs.take(3)).toEqual(["between 1", "between 2", "between 3"]);
      const frames = ours.sent.heads.map(({ opcode, fin }) => `${opcode}${fin ? " fin" : ""}`);
      expect(frames.filter((frame) => !frame.startsWith("9"))).toEqual(["1", "0", "0", "0", "0 fin"]);
      expect(frames.slice(frames.indexOf("1"), -1)).toContain("9 fin");
      const parts = [bytes(3), bytes(70_000), bytes(0), bytes(1)];
      expect(await ours.connection.send(pieces(ours, parts, true))).toBe(true);
      expectSame(await ours.messages.next(), Buffer.concat(parts));
      expect(dataFrames(ours.sent.heads)).toHaveLength(10);
    });

    if (has("fragments")) {
      test("the peer's fragmented messages arrive, with pings between the fragments", async () => {
        const { ours } = await open();
        ours.connection.send("!fragments");
        expect(await ours.messages.next()).toBe(WHOLE);
        expect(dataFrames(ours.received.heads).length).toBeGreaterThan(1);
        expect(await ours.pings.take(3)).toEqual(["between 1", "between 2", "between 3"]);
      });
    }

    test("the peer answers our pings", async () => {
      const talk = await open();
      const payloads = ["", "are you there", "x".repeat(125)];
      for (const payload of payloads) {
        talk.ours.connection.ping(payload);
        expect(await talk.ours.pongs.next()).toBe(payload);
      }
      const { pings } = await close(talk);
      if (has("telling pings")) expect(pings).toEqual(payloads);
    });

    if (has("pings")) {
      test("our side answers the peer's pings", async () => {
        const talk = await open();
        talk.ours.connection.send("!ping and you");
        expect(await talk.ours.pings.next()).toBe("and you");
        await expectEcho(talk.ours, ["still there"]);
        const { pongs } = await close(talk);
        if (has("telling pongs")) expect(pongs).toEqual(["and you"]);
      });
    }

    test("both sides agree on one subprotocol or on none", async () => {
      const talk = await open({ protocols: ["chat"] });
      expect(talk.ours.connection.protocol).toBe("chat");
      expect((await close(talk)).subprotocol).toBe("chat");
      const none = await open();
      expect(none.ours.connection.protocol).toBe("");
      expect((await close(none)).subprotocol).toBe("");
    });

    test("our side closes with a code and a reason", async () => {
      const { ours, report } = await open();
      ours.connection.send("last");
      ours.connection.close(4001, "müde");
      if (!oddities.losesLast) expect(await ours.messages.next()).toBe("last");
      const code = oddities.answer ?? 4001;
      expect(await ours.closed).toMatchObject({ code, wasClean: code !== 1006 });
      const told = await report();
      if (has("telling closes")) expect([told.code, told.reason]).toEqual([4001, "müde"]);
      expect(ours.errors).toEqual([]);
    });

    if (has("closing")) {
      test("the peer closes with a code and a reason", async () => {
        const { ours, report } = await open();
        ours.connection.send("!close 3999 müde");
        expect(await ours.closed).toEqual({ code: 3999, reason: "müde", wasClean: true });
        expect((await report()).code).toBe(oddities.own ?? 3999);
        expect(ours.errors).toEqual([]);
      });

      test("both sides close at once", async () => {
        const { ours, report } = await open();
        ours.connection.send("!close 4000 they");
        ours.connection.close(4001, "we");
        const { code, wasClean } = await ours.closed;
        expect([4000, oddities.answer ?? 4001]).toContain(code);
        expect(wasClean).toBe(true);
        await report();
        expect(ours.errors).toEqual([]);
      });
    }

    test("our side closes without a code", async () => {
      const { ours, report } = await open();
      ours.connection.close();
      expect(await ours.closed).toMatchObject({ code: oddities.emptyAnswer ?? 1005, wasClean: true });
      const { code } = await report();
      if (has("telling closes")) expect(code).toBe(1005);
    });

    if (has("closing without a code")) {
      test("the peer closes without a code", async () => {
        const { ours, report } = await open();
        ours.connection.send("!close");
        expect(await ours.closed).toEqual({ code: 1005, reason: "", wasClean: true });
        await report();
      });
    }

    test("our side cuts the connection", async () => {
      const { ours, report } = await open();
      await expectEcho(ours, ["still there"]);
      ours.connection.terminate();
      expect(await ours.closed).toEqual({ code: 1006, reason: "", wasClean: false });
      const { code } = await report();
      if (has("telling closes")) expect(code).toBe(oddities.cut ?? 1006);
      expect(ours.errors).toEqual([]);
    });

    test("the peer cuts the connection", async () => {
      const { ours, report } = await open();
      if (abort) {
        await expectEcho(ours, ["still there"]);
        await abort();
      } else {
        ours.connection.send("!abort");
      }
      expect(await ours.closed).toEqual(oddities.lastWords ?? { code: 1006, reason: "", wasClean: false });
      if (!abort) await report();
    });

    if (has("going without compression")) {
      test("compression is not used if only our side supports it", async () => {
        const { ours } = await open({ oursDeflate: true });
        expect(ours.connection.extensions).toBe("");
        await expectEcho(ours, [WHOLE, "a".repeat(10_000)]);
        expect([...ours.sent.heads, ...ours.received.heads].some(({ rsv1 }) => rsv1)).toBe(false);
      });
    }

    if (has("compression")) compression({ open, lacks, oddities });
  });
}

function compression({ open, lacks = [], oddities = {} }: Subject): void {
  describe("compression", () => {
    test("hundreds of compressed messages arrive with context takeover", async () => {
      const { ours } = await open({ deflate: true });
      expect(ours.connection.extensions).toMatch(/^permessage-deflate/);
      const random = new Random(1);
      const words = ["price", "volume", "Zürich", "☂", '{"a":1}', "0123456789"];
      const sent = Array.from({ length: 300 }, (_, i) => {
        const text = Array.from({ length: random.integer(20, 400) }, () => random.pick(words)).join(" ");
        return i % 4 === 0 ? Buffer.from(text) : text;
      });
      await expectEcho(ours, sent);
      const taps = lacks.includes("compressing") ? [ours.sent] : [ours.sent, ours.received];
      const before = taps.map(({ bytes }) => bytes);
      await expectEcho(ours, ["a".repeat(1 << 20), Buffer.alloc(1 << 20, "ab")]);
      for (const [i, { bytes: after, heads }] of taps.entries()) {
        expect(after - before[i]!).toBeLessThan(20_000);
        const first = dataFrames(heads).filter(({ opcode }) => opcode > 0);
        expect(first.filter(({ rsv1 }) => rsv1).length).toBeGreaterThan(200);
      }
    });

    test("messages of every length class and incompressible data arrive", async () => {
      const { ours } = await open({ deflate: true });
      const random = new Random(2);
      await expectEcho(ours, [
        ...LENGTHS.map(bytes),
        random.bytes(1 << 20),
        ...LENGTHS.map((length) => "x".repeat(length)),
      ]);
    });

    test("fragmented messages arrive, with pings between the fragments", async () => {
      const { ours } = await open({ deflate: true });
      for (let round = 0; round < 3; round++) {
        const words = PARTS.map((part) => part.repeat(500));
        expect(await ours.connection.send(pieces(ours, words, !oddities.pingsBreakInflating))).toBe(true);
        expect(await ours.messages.next()).toBe(words.join(""));
        if (lacks.includes("fragments")) continue;
        ours.connection.send("!fragments");
        expect(await ours.messages.next()).toBe(WHOLE);
      }
      const frames = dataFrames(ours.sent.heads);
      expect(frames.filter(({ opcode, rsv1 }) => opcode === 1 && rsv1).length).toBeGreaterThan(2);
      expect(frames.filter(({ opcode }) => opcode === 0).length).toBeGreaterThan(2);
    });

    test("compression is not used if only the peer supports it", async () => {
      const { ours } = await open({ deflate: true, oursDeflate: false });
      expect(ours.connection.extensions).toBe("");
      await expectEcho(ours, [WHOLE, "a".repeat(10_000)]);
      expect([...ours.sent.heads, ...ours.received.heads].some(({ rsv1 }) => rsv1)).toBe(false);
    });
  });
}
