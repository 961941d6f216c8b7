// The limits on a peer, each tested at its boundary, and attacks that worked on other libraries.

import { describe, expect, test } from "vitest";
import { perMessageDeflate, type Limits, Protocol, WebSocketError } from "../../src/index.ts";
import { concat } from "../reference/serialize.ts";
import { held, leastKept } from "../support/heap.ts";
import {
  binary,
  continuation,
  CORES,
  other,
  ping,
  pong,
  ROLES,
  short,
  text,
  toRole,
  utf8,
  writtenShort,
} from "../support/wire.ts";

const MIB = 1 << 20;

for (const role of ROLES) {
  for (const core of CORES) {
    describe(`role ${role}, ${core} core`, () => {
      const make = (limits: Limits = {}, options = {}) => new Protocol({ role, core, limits, ...options });

      function assertExceeded(
        protocol: Protocol,
        events: string[],
        code: string,
        closeCode: number,
        rule: string,
      ): void {
        expect(events.at(-2)).toMatch(new RegExp(`^error:${code}@`));
        expect(events.at(-1)).toBe("close:1006: not clean");
        expect(protocol.error).toBeInstanceOf(WebSocketError);
        expect(protocol.error).toMatchObject({ code, closeCode, rule });
        expect(writtenShort(protocol, role).at(-1)).toMatch(new RegExp(`^close:${closeCode}:`));
      }

      for (const [name, limits] of [
        ["maxFrame", { maxFrame: 100 }],
        ["maxMessage", { maxMessage: 100 }],
      ] as const) {
        test(`${name}: accepts exactly that length, and refuses one byte more with its header`, () => {
          const good = make(limits);
          expect(short(good.receive(toRole(role, text("x".repeat(100)), binary(new Uint8Array(100)))))).toHaveLength(2);
          for (const frame of [text("x".repeat(101)), binary(new Uint8Array(101))]) {
            const protocol = make(limits);
            const bytes = toRole(role, text("before"), frame);
            const header = toRole(role, text("before")).length + 2;
            const events = short(protocol.receive(bytes.slice(0, header + (role === "server" ? 4 : 0))));
            expect(events[0]).toBe("text:before");
            assertExceeded(protocol, events, "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", 1009, name);
          }
        });
      }

      test("maxMessage counts all fragments, and the length that the last header announces", () => {
        const fragments = [text("x".repeat(50), { fin: false }), continuation(new Uint8Array(30), { fin: false })];
        const good = make({ maxMessage: 100 });
        expect(good.receive(toRole(role, ...fragments, continuation(new Uint8Array(20))))).toHaveLength(1);
        const protocol = make({ maxMessage: 100 });
        protocol.receive(toRole(role, ...fragments, ping("counts nothing")));
        const events = short(protocol.receive(toRole(role, continuation(new Uint8Array(21))).slice(0, 6)));
        assertExceeded(protocol, events, "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", 1009, "maxMessage");
      });

      test("maxFragments counts the frames of one message, including empty ones", () => {
        const many = (count: number) =>
          toRole(role, ...Array.from({ length: count }, (_, i) => ({ opcode: i === 0 ? 1 : 0, fin: i === count - 1 })));
        const good = make({ maxFragments: 10 });
        expect(short(good.receive(concat([many(10), many(10), many(1)])))).toEqual(["text:", "text:", "text:"]);
        const protocol = make({ maxFragments: 10 });
        const events = short(protocol.receive(many(11)));
        assertExceeded(protocol, events, "WS_ERR_TOO_MANY_BUFFERED_PARTS", 1008, "maxFragments");
      });

      test("maxControlFrames counts within a controlPeriod, by the given times", () => {
        const limits = { maxControlFrames: 5, controlPeriod: 100, maxPendingPongs: Infinity };
        const three = toRole(role, ping(), pong(), ping());
        // The start of the clock and its overflow do not matter.
        for (const start of [0, 1.5, 2 ** 31 - 50, 2 ** 32 - 50, Date.now()]) {
          const good = make(limits);
          for (let i = 0; i < 20; i++) expect(good.receive(three, start + 100 * i)).toHaveLength(3);
          const protocol = make(limits);
          protocol.receive(three, start);
          const events = short(protocol.receive(three, start + 99));
          expect(events).toHaveLength(4);
          assertExceeded(protocol, events, "WS_ERR_TOO_MANY_CONTROL_FRAMES", 1008, "maxControlFrames");
        }
        // If the clock goes back, or after weeks of silence, another period begins.
        for (const later of [-3_600_000, 2_500_000_000]) {
          const odd = make(limits);
          odd.receive(three, 1e12);
          expect(odd.receive(three, 1e12 + later)).toHaveLength(3);
        }
        const untold = make(limits);
        for (let i = 0; i < 10; i++) expect(untold.receive(three)).toHaveLength(3);
      });

      test("maxPendingPongs counts between two calls of take()", () => {
        const good = make({ maxPendingPongs: 3 });
        const three = toRole(role, ping("1"), ping("2"), ping("3"));
        for (let i = 0; i < 5; i++) {
          good.receive(three);
          expect(writtenShort(good, role)).toEqual(["pong:1", "pong:2", "pong:3"]);
        }
        const protocol = make({ maxPendingPongs: 3 });
        protocol.receive(three);
        const events = short(protocol.receive(toRole(role, ping("4"), text("not any more"))));
        assertExceeded(protocol, events, "WS_ERR_TOO_MANY_PENDING_PONGS", 1008, "maxPendingPongs");
        const off = make({ maxPendingPongs: 3 }, { autoPong: false });
        expect(off.receive(concat([three, three]))).toHaveLength(6);
      });

      test("with fragments, any length passes, unless a limit is set", () => {
        const header = toRole(role, { opcode: 2, claimedLength: 2n ** 40n });
        const protocol = make({}, { fragments: true });
        expect(short(protocol.receive(header))).toEqual(["start:binary"]);
        const limited = make({ maxMessage: 1000 }, { fragments: true });
        assertExceeded(
          limited,
          short(limited.receive(header)),
          "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
          1009,
          "maxMessage",
        );
      });

      test("by default, accepts a message of 100 MiB and not one byte more", () => {
        const announced = (length: bigint) => toRole(role, { opcode: 2, claimedLength: length });
        expect(make().receive(announced(104857600n))).toEqual([]);
        expect(short(make().receive(announced(104857601n)))[0]).toMatch(/^error:WS_ERR_UNSUPPORTED_MESSAGE_LENGTH/);
      });
    });
  }
}

describe("attacks on other libraries", () => {
  test("a million fragments of one byte cost about a megabyte (ws CVE-2026-48779, undici CVE-2026-12151)", () => {
    const thousand = toRole(
      "server",
      ...Array.from({ length: 1000 }, () => continuation(new Uint8Array(1), { fin: false })),
    );
    let protocol!: Protocol;
    const kept = leastKept(() => {
      protocol = new Protocol({ role: "server" });
      protocol.receive(toRole("server", binary(new Uint8Array(1), { fin: false })));
      for (let i = 0; i < 1000; i++) expect(protocol.receive(thousand)).toEqual([]);
      return protocol;
    }, 2);
    expect(kept).toBeLessThan(2.5 * MIB);
    const [event] = protocol.receive(toRole("server", continuation(new Uint8Array(0))));
    expect(event).toMatchObject({ type: "binary", data: { length: 1_000_001 } });
  });

  test("a million empty fragments cost nothing (ws#2329)", () => {
    const thousand = toRole("server", ...Array.from({ length: 1000 }, () => ({ opcode: 0, fin: false })));
    let protocol!: Protocol;
    const kept = leastKept(() => {
      protocol = new Protocol({ role: "server" });
      protocol.receive(toRole("server", text("", { fin: false })));
      for (let i = 0; i < 1000; i++) expect(protocol.receive(thousand)).toEqual([]);
      return protocol;
    });
    expect(kept).toBeLessThan(0.3 * MIB);
    expect(short(protocol.receive(toRole("server", continuation(utf8("end")))))).toEqual(["text:end"]);
  });

  test("limits fragments together, not each alone (undici CVE-2026-9675, Bandit CVE-2026-42786)", () => {
    const protocol = new Protocol({ role: "server", limits: { maxFrame: 1000, maxMessage: 3500 } });
    const fragment = (opcode: number) => toRole("server", { opcode, fin: false, payload: new Uint8Array(1000) });
    expect(protocol.receive(concat([fragment(2), fragment(0), fragment(0)]))).toEqual([]);
    expect(short(protocol.receive(fragment(0)))[0]).toMatch(/^error:WS_ERR_UNSUPPORTED_MESSAGE_LENGTH/);
  });

  test("64-bit lengths neither overflow nor allocate (undici CVE-2026-1528, gorilla CVE-2020-27813)", () => {
    const kept = leastKept(() => {
      const all: Protocol[] = [];
      for (const role of ROLES) {
        for (const length of [
          2n ** 31n,
          2n ** 32n - 1n,
          2n ** 32n,
          2n ** 53n - 1n,
          2n ** 53n,
          2n ** 63n - 1n,
          2n ** 63n,
        ]) {
          const limited = new Protocol({ role });
          expect(short(limited.receive(toRole(role, { opcode: 2, claimedLength: length })))[0]).toMatch(/^error:/);
          const open = new Protocol({ role, limits: { maxFrame: Infinity, maxMessage: Infinity } });
          open.receive(toRole(role, { opcode: 2, claimedLength: length, payload: new Uint8Array(100) }));
          // Two fragments whose sum overflows.
          const two = new Protocol({ role, limits: { maxFrame: Infinity, maxMessage: Infinity } });
          two.receive(toRole(role, { opcode: 2, fin: false, payload: new Uint8Array(100) }));
          two.receive(toRole(role, { opcode: 0, claimedLength: length }));
          all.push(limited, open, two);
        }
      }
      return all;
    });
    expect(kept).toBeLessThan(MIB);
  });

  test("limits the inflated length while it inflates (undici CVE-2026-1526, websockets CVE-2018-1000518)", () => {
    const sender = new Protocol({ role: "client", extensions: [perMessageDeflate()] });
    const receiver = new Protocol({
      role: "server",
      extensions: [perMessageDeflate()],
      limits: { maxMessage: 5 * MIB },
    });
    sender.send(new Uint8Array(200 * MIB));
    const bomb = concat(sender.take());
    expect(bomb.length).toBeLessThan(0.3 * MIB);
    const before = held();
    const events = short(receiver.receive(bomb));
    expect(events[0]).toMatch(/^error:WS_ERR_UNSUPPORTED_MESSAGE_LENGTH/);
    expect(receiver.error).toMatchObject({ closeCode: 1009, rule: "maxMessage" });
    expect(held() - before).toBeLessThan(7 * MIB);
  });

  test("limits the compressed length, too", () => {
    const receiver = new Protocol({ role: "server", extensions: [perMessageDeflate()], limits: { maxMessage: 1000 } });
    // A stored block that does not end.
    const stored = new Uint8Array(600);
    stored.set([0, 0xff, 0xff, 0, 0]);
    const frames = [
      { opcode: 2, rsv: 4, fin: false, payload: stored },
      { opcode: 0, fin: false, payload: new Uint8Array(600) },
    ];
    expect(short(receiver.receive(toRole("server", ...frames)))[0]).toMatch(/^error:WS_ERR_UNSUPPORTED_MESSAGE_LENGTH/);
  });

  test("an unexpected RSV bit is an error event, not an exception (engine.io CVE-2022-21676)", () => {
    for (const rsv of [1, 2, 4, 7]) {
      const protocol = new Protocol({ role: "server" });
      expect(short(protocol.receive(toRole("server", text("x", { rsv }))))[0]).toMatch(/^error:WS_ERR_UNEXPECTED_RSV/);
    }
  });

  test("a message does not keep its chunk alive (ws before 8.22)", () => {
    const kept = leastKept(() =>
      Array.from({ length: 200 }, () => {
        const protocol = new Protocol({ role: "server" });
        const chunk = toRole(
          "server",
          text("small text, kept"),
          binary(utf8("small bytes, kept")),
          binary(new Uint8Array(60_000)),
        );
        return protocol.receive(chunk).slice(0, 2);
      }),
    );
    expect(kept).toBeLessThan(2 * MIB);
  });

  test("stops a flood of Pings while the peer does not read (ws maxPendingAutoPongs)", () => {
    const flood = toRole("server", ...Array.from({ length: 500 }, () => ping("x".repeat(125))));
    let protocol!: Protocol;
    const kept = leastKept(() => {
      protocol = new Protocol({ role: "server" });
      let events: string[] = [];
      for (let i = 0; i < 100 && protocol.state === "open"; i++) events = short(protocol.receive(flood));
      expect(events.at(-2)).toMatch(/^error:WS_ERR_TOO_MANY_PENDING_PONGS/);
      return protocol;
    });
    expect(kept).toBeLessThan(MIB);
    expect(protocol.bufferedAmount).toBeLessThan(MIB);
  });

  test("a message in pieces uses no heap, whatever its length", () => {
    const protocol = new Protocol({ role: "client", fragments: true });
    const length = 512 * MIB;
    const header = toRole("client", { opcode: 2, claimedLength: BigInt(length) });
    protocol.receive(header);
    const chunk = new Uint8Array(MIB);
    let seen = 0;
    const before = held();
    for (let i = 0; i < 512; i++) {
      for (const event of protocol.receive(chunk)) {
        if (event.type === "piece") seen += event.data.length;
      }
      if (i % 128 === 100) expect(held() - before).toBeLessThan(16 * MIB);
    }
    expect(seen).toBe(length);
  });

  test("random bytes never throw, and end in one close event", () => {
    let state = 1;
    const next = () => (state = (Math.imul(state, 1103515245) + 12345) >>> 0);
    for (let round = 0; round < 3000; round++) {
      const role = ROLES[round & 1]!;
      const protocol = new Protocol({
        role,
        extensions: round & 2 ? [perMessageDeflate()] : [],
        fragments: (round & 4) > 0,
      });
      const bytes = Uint8Array.from({ length: next() % 60 }, () => next() >>> 16);
      const prefix = toRole(role, text("ok"), binary(bytes.subarray(0, 5), { rsv: round & 8 ? 4 : 0 }));
      const events = [...protocol.receive(prefix), ...protocol.receive(bytes), ...protocol.receiveEnd()];
      expect(events.filter(({ type }) => type === "close")).toHaveLength(1);
      expect(events.at(-1)!.type).toBe("close");
      for (const part of protocol.take()) new Protocol({ role: other(role) }).receive(part);
    }
  });
});
