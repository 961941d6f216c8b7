// The context that a session keeps of sent messages, with its options, prepared messages, and many connections.

import { describe, expect, test } from "vitest";
import type { ExtensionSession } from "../../src/frame/extension.ts";
import { Random } from "../support/random.ts";
import { evict } from "./support/evict.ts";
import { KINDS } from "./support/kinds.ts";
import { json, mixed } from "./support/messages.ts";
import { referenceInflate } from "./support/reference-inflate.ts";
import { bytes, hex, open as openOwn, parameters, receive, send } from "./support/session.ts";

const FLUSH = hex("00 00 ff ff");

function part(session: ExtensionSession, payload: Uint8Array, first: boolean, last: boolean): Uint8Array {
  return session.encode({ payload, text: false, first, last, compress: true })!;
}

/** Whether a message refers to earlier ones. */
function refersBack(encoded: Uint8Array): boolean {
  try {
    referenceInflate(Buffer.concat([encoded, FLUSH]));
    return false;
  } catch {
    return true;
  }
}

describe.each(KINDS)("%s", (kind, { open }) => {
  const message = json(new Random(1), 2000);

  test("release() forgets the sent data, and the next messages can still be inflated", () => {
    const [sender, receiver] = [open("server"), open("client")];
    const sizes: number[] = [];
    for (let i = 0; i < 6; i++) {
      if (i === 3) sender.release();
      const encoded = send(sender, message)!;
      sizes.push(encoded.length);
      expect(refersBack(encoded)).toBe(i % 3 !== 0);
      expect(receive(receiver, encoded)).toEqual(message);
    }
    expect(sizes[3]).toBe(sizes[0]);
    expect(sizes[4]).toBeLessThan(sizes[3]! / 10);
  });

  test("release() between the pieces of a message does not damage it", () => {
    const [sender, receiver] = [open("server"), open("client")];
    const parts: Uint8Array[] = [];
    for (let i = 0; i < 4; i++) {
      parts.push(part(sender, message, i === 0, i === 3));
      sender.release();
    }
    expect(
      Buffer.compare(receive(receiver, Buffer.concat(parts)), Buffer.concat([message, message, message, message])),
    ).toBe(0);
    expect(receive(receiver, send(sender, message)!)).toEqual(message);
  });

  test("releaseAfter is the option, or Infinity if there is nothing to release", () => {
    expect(open("server").releaseAfter).toBe(30_000);
    expect(open("client", [], { releaseAfter: 5 }).releaseAfter).toBe(5);
    expect(open("server", [], { releaseAfter: Infinity }).releaseAfter).toBe(Infinity);
    expect(open("server", parameters("server_no_context_takeover")).releaseAfter).toBe(Infinity);
    for (const releaseAfter of [-1, Number.NaN]) expect(() => open("server", [], { releaseAfter })).toThrow(RangeError);
  });

  test.each([-1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9])("level %i makes messages that both kinds understand", (level) => {
    const random = new Random(level + 10);
    const [sender, receiver, other] = [open("server", [], { level }), open("client"), openOwn("client")];
    let length = 0;
    let encodedLength = 0;
    for (let i = 0; i < 10; i++) {
      const each = random.chance(0.5)
        ? json(random, random.integer(1, 6000))
        : mixed(random, random.integer(1, 70_000));
      const encoded = send(sender, each)!;
      expect(Buffer.compare(receive(receiver, encoded), each)).toBe(0);
      expect(Buffer.compare(receive(other, encoded), each)).toBe(0);
      length += each.length;
      encodedLength += encoded.length;
    }
    if (level === 0) expect(encodedLength).toBeGreaterThan(length);
    else expect(encodedLength).toBeLessThan(0.75 * length);
    if (level === -1) {
      const six = open("server", [], { level: 6 });
      expect(send(open("server", [], { level }), message)).toEqual(send(six, message));
    }
  });

  test("each message refers to at most the last `history` bytes, or none for 0", () => {
    const random = new Random(2);
    for (const history of [0, 1, 100, 300, 1000, 5000]) {
      const [sender, receiver] = [open("server", [], { history }), open("client")];
      let before: Uint8Array = new Uint8Array(0);
      for (let i = 0; i < 12; i++) {
        // Repeat data that is older than `history`. Keep it short, because zlib may look back twice the length of a
        // message.
        const payload = Buffer.concat([before.subarray(-6000).subarray(0, 40), random.bytes(60)]);
        const encoded = send(sender, payload)!;
        const { farthest } = referenceInflate(Buffer.concat([encoded, FLUSH]), before.subarray(-32_768));
        expect(farthest).toBeLessThanOrEqual(Math.max(history, 2 * payload.length) + payload.length);
        if (kind === "core") expect(farthest).toBeLessThanOrEqual(Math.max(1, history));
        expect(Buffer.compare(receive(receiver, encoded), payload)).toBe(0);
        before = Buffer.concat([before, payload, random.bytes(0)]);
      }
    }
  });

  test("uncompressed messages neither use nor change the context", () => {
    const random = new Random(3);
    const alone = open("server", [], { threshold: 0 });
    const between = open("server", [], { threshold: 0 });
    const [receiver, other] = [open("client"), openOwn("client")];
    for (let i = 0; i < 40; i++) {
      const each = json(random, random.integer(1, 3000));
      for (const noise of [random.bytes(random.integer(1, 3000)), random.bytes(40_000)].slice(0, i % 2 ? 1 : 0)) {
        expect(send(between, noise, "auto")).toBe(undefined);
      }
      const encoded = send(between, each)!;
      const expected = send(alone, each)!;
      // Both find the same matches, but may prefer different ones.
      expect(Math.abs(encoded.length - expected.length)).toBeLessThanOrEqual(20 + expected.length / 20);
      expect(Buffer.compare(receive(receiver, encoded), each)).toBe(0);
      expect(Buffer.compare(receive(other, encoded), each)).toBe(0);
    }
  });

  test("a long uncompressed message is followed by compressed ones", () => {
    const random = new Random(4);
    const [sender, receiver] = [open("server"), open("client")];
    for (const length of [32_767, 32_768, 32_769, 65_536, 100_000]) {
      expect(receive(receiver, send(sender, message)!)).toEqual(message);
      expect(send(sender, random.bytes(length), "auto")).toBe(undefined);
      for (let i = 0; i < 2; i++) expect(receive(receiver, send(sender, message)!)).toEqual(message);
    }
  });

  test("prepared messages between others join the context, in any number", () => {
    const random = new Random(5);
    const prepared = Array.from({ length: 20 }, () => ({
      data: json(random, random.integer(1100, 5000)),
      encoded: new Map<string, Uint8Array>(),
    }));
    const long = { data: json(random, 80_000), encoded: new Map<string, Uint8Array>() };
    for (const agreed of ["", "server_max_window_bits=9", "server_no_context_takeover"]) {
      const [sender, receiver] = [open("server", parameters(agreed)), open("client", parameters(agreed))];
      for (let round = 0; round < 30; round++) {
        for (let count = random.pick([0, 1, 2, 15, 16, 17, 40]); count > 0; count--) {
          const { data, encoded } = random.chance(0.02) ? long : random.pick(prepared);
          expect(Buffer.compare(receive(receiver, sender.encodePrepared(data, encoded)!), data)).toBe(0);
        }
        const own = round % 5 === 4 ? prepared[round % 20]!.data : json(random, random.integer(1, 2000));
        expect(Buffer.compare(receive(receiver, send(sender, own)!), own)).toBe(0);
      }
    }
  });

  test("the next message refers to up to 16 prepared ones", () => {
    const [sender, receiver] = [open("server"), open("client")];
    const random = new Random(6);
    receive(receiver, send(sender, bytes("a context, to begin with"))!);
    const last = json(random, 1500);
    for (let i = 0; i < 15; i++) receive(receiver, sender.encodePrepared(json(random, 1500), new Map())!);
    receive(receiver, sender.encodePrepared(last, new Map())!);
    const again = send(sender, last)!;
    expect(again.length).toBeLessThan(60);
    expect(receive(receiver, again)).toEqual(last);
  });

  test("more connections than slots take turns, in both directions, with unfinished messages", () => {
    const random = new Random(7);
    const connections = Array.from({ length: 80 }, () => ({
      client: open("client"),
      server: open("server"),
      plain: [] as Uint8Array[],
      encoded: [] as Uint8Array[],
    }));
    let finished = 0;
    for (let step = 0; step < 2500; step++) {
      const { client, server, plain, encoded } = random.pick(connections);
      const piece = json(random, random.integer(1, random.pick([50, 500, 4000])));
      const last = random.chance(0.4);
      encoded.push(part(server, piece, plain.length === 0, last));
      plain.push(piece);
      if (last) {
        expect(Buffer.compare(receive(client, Buffer.concat(encoded)), Buffer.concat(plain))).toBe(0);
        plain.length = encoded.length = 0;
        finished++;
      }
      if (random.chance(0.3)) expect(Buffer.compare(receive(server, send(client, piece)!), piece)).toBe(0);
    }
    expect(finished).toBeGreaterThan(500);
    for (const { client, server } of connections) {
      client.end();
      server.end();
    }
  });
});

describe("the WASM core", () => {
  test("a connection's output does not depend on other connections or on where its context is", () => {
    const random = new Random(8);
    const messages = Array.from({ length: 60 }, () =>
      random.chance(0.7)
        ? json(random, random.integer(1, 4000))
        : mixed(random, random.integer(1, random.pick([300, 40_000]))),
    );
    const ways = ["auto", true] as const;
    const run = (meanwhile: (i: number) => void): string[] => {
      const sender = openOwn("server");
      return messages.map((message, i) => {
        meanwhile(i);
        const encoded = send(sender, message, ways[i % 2]!);
        return encoded === undefined ? "as it is" : Buffer.from(encoded).toString("hex");
      });
    };
    const alone = run(() => {});
    const others = Array.from({ length: 50 }, (_, i) => openOwn("server", [], { level: i % 10 }));
    // Another connection sends the same data: that must not change the length of a message.
    const same = openOwn("server");
    const runs = {
      "after others": run((i) => i === 0 && others.forEach((other) => send(other, json(random, 3000)))),
      "with another that sends the same": run((i) => send(same, messages[i]!)),
      "with others in turn": run((i) => send(others[i % 50]!, messages[random.integer(0, 59)]!)),
      "out of its place each time": run(() => evict()),
      "out of its place now and then": run(() => random.chance(0.2) && evict()),
    };
    for (const [name, sent] of Object.entries(runs)) {
      expect(
        sent.findIndex((encoded, i) => encoded !== alone[i]),
        name,
      ).toBe(-1);
    }
    for (const other of others) other.end();
  });

  test("a prepared message is the same on every connection", () => {
    const random = new Random(9);
    const message = json(random, 5000);
    const prepared = (session: ExtensionSession): string =>
      Buffer.from(session.encodePrepared!(message, new Map())!).toString("hex");
    const first = prepared(openOwn("server"));
    for (let i = 0; i < 40; i++) {
      const session = openOwn("server");
      send(session, random.chance(0.5) ? message : mixed(random, 40_000));
      expect(prepared(session)).toBe(first);
    }
  });

  test("compresses text like its bytes", () => {
    const random = new Random(10);
    const texts: ExtensionSession = openOwn("server");
    const [plain, receiver] = [openOwn("server"), openOwn("client")];
    for (let i = 0; i < 60; i++) {
      const ascii = Buffer.from(json(random, random.integer(1, random.pick([300, 3000, 30_000])))).toString();
      const text = random.chance(0.5) ? ascii : `${ascii.slice(0, 500)}größe 漢字 😀 \ud800${ascii.slice(500, 900)}`;
      const compress = random.pick([undefined, true]);
      const payload = Buffer.from(text);
      const encoded = texts.encodeText!(text, compress)?.slice();
      const expected = send(plain, payload, compress ?? "auto");
      expect(encoded === undefined).toBe(expected === undefined);
      if (encoded !== undefined) expect(Buffer.compare(receive(receiver, encoded), payload)).toBe(0);
    }
  });

  describe("contextBudget", () => {
    const message = json(new Random(11), 4000);
    const BUDGETED = 20;
    /** Even if little is sent, a context takes three times this, because of its table. */
    const history = 4096;

    test("limits the contexts of all connections; above the limit, messages are compressed without context", () => {
      // Other connections of this thread count, too.
      const others = Array.from({ length: 40 }, () => openOwn("server"));
      for (const other of others) send(other, message);
      const full = openOwn("server", [], { contextBudget: 0 });
      const receiver = openOwn("client");
      for (let i = 0; i < 3; i++) {
        const encoded = send(full, message)!;
        expect(refersBack(encoded)).toBe(false);
        expect(receive(receiver, encoded)).toEqual(message);
      }
      evict();
      expect(full.held).toBe(0);
      for (const other of others) other.end();
    });

    test("memory that one connection frees is available to another", () => {
      const session = (): ReturnType<typeof openOwn> =>
        openOwn("server", [], { contextBudget: spent + 20_000, history });
      const spent = smallestBudget();
      const [first, second] = [session(), session()];
      send(first, message);
      send(second, message);
      expect([refersBack(send(first, message)!), refersBack(send(second, message)!)]).toEqual([true, false]);
      first.release();
      send(second, message);
      expect(refersBack(send(second, message)!)).toBe(true);
      send(first, message);
      expect(refersBack(send(first, message)!)).toBe(false);
      second.end();
      send(first, message);
      expect(refersBack(send(first, message)!)).toBe(true);
      first.end();
    });

    test("a garbage-collected connection frees its context, even if it was never ended", async () => {
      const collect = async (): Promise<void> => {
        globalThis.gc!();
        await new Promise((resolve) => setImmediate(resolve));
      };
      // Contexts of other tests count until they are collected.
      for (let i = 0; i < 5; i++) await collect();
      const spent = smallestBudget();
      const session = (): ReturnType<typeof openOwn> =>
        openOwn("server", [], { contextBudget: spent + 20_000, history });
      function forget(): void {
        send(session(), message);
      }
      forget();
      evict();
      const second = session();
      const refers = (): boolean => {
        send(second, message);
        return refersBack(send(second, message)!);
      };
      expect(refers()).toBe(false);
      for (let i = 0; i < 20 && !refers(); i++) await collect();
      expect(refers()).toBe(true);
      second.end();
    });

    test("drops a context that got too large, and later messages can be inflated", () => {
      const spent = smallestBudget();
      const sender = openOwn("server", [], { contextBudget: spent + 12_000 });
      const receiver = openOwn("client");
      const random = new Random(12);
      let referred = 0;
      for (let i = 0; i < BUDGETED; i++) {
        const each = json(random, 900);
        const encoded = send(sender, each)!;
        if (refersBack(encoded)) referred++;
        expect(receive(receiver, encoded)).toEqual(each);
        evict();
        expect(sender.held).toBeLessThan(12_000);
      }
      expect(referred).toBeGreaterThan(0);
      expect(referred).toBeLessThan(BUDGETED - 1);
      sender.end();
    });

    test("applies within a message in pieces", () => {
      const [sender, receiver] = [openOwn("server", [], { contextBudget: 0 }), openOwn("client")];
      const parts = [
        part(sender, message, true, false),
        part(sender, message, false, false),
        part(sender, message, false, true),
      ];
      expect(Buffer.compare(receive(receiver, Buffer.concat(parts)), Buffer.concat([message, message, message]))).toBe(
        0,
      );
    });

    /** Estimates what other tests still hold: the least budget with which a context can begin, minus its cost. */
    function smallestBudget(): number {
      let [low, high] = [0, 2 ** 28];
      while (high - low > 100) {
        const middle = (low + high) >> 1;
        const session = openOwn("server", [], { contextBudget: middle, history });
        send(session, message);
        if (refersBack(send(session, message)!)) high = middle;
        else low = middle;
        session.end();
      }
      return high - 3 * history;
    }
  });
});
