// Keepalive with a clock that the tests set: due Pings, missing Pongs, unanswered Closes.

import { describe, expect, test } from "vitest";
import { Keepalive, Protocol } from "../../src/index.ts";
import { close, pong, ROLES, short, text, toRole, writtenShort } from "../support/wire.ts";

for (const role of ROLES) {
  describe(`role ${role}`, () => {
    const make = (options = {}, now = 5_000_000_000) => {
      const protocol = new Protocol({ role });
      return { protocol, now, keepalive: new Keepalive(protocol, now, options) };
    };

    test("sends one Ping when nothing has arrived for pingInterval", () => {
      const { protocol, keepalive, now } = make({ pingInterval: 1000 });
      expect(keepalive.due).toBe(now + 1000);
      expect(keepalive.tick(now + 999)).toEqual([]);
      expect(protocol.take()).toEqual([]);
      expect(keepalive.tick(now + 1000)).toEqual([]);
      expect(writtenShort(protocol, role)).toEqual(["ping:"]);
      keepalive.tick(now + 1500);
      expect(protocol.take()).toEqual([]);
    });

    test("counts any received bytes as a sign of life", () => {
      const { protocol, keepalive, now } = make({ pingInterval: 1000, pongTimeout: 500 });
      const half = toRole(role, text("half"));
      protocol.receive(half.slice(0, 3));
      keepalive.tick(now + 900);
      expect(keepalive.due).toBe(now + 1900);
      keepalive.tick(now + 1900);
      expect(writtenShort(protocol, role)).toEqual(["ping:"]);
      expect(keepalive.due).toBe(now + 2400);
      protocol.receive(half.slice(3));
      protocol.receive(toRole(role, pong()));
      expect(keepalive.tick(now + 2400)).toEqual([]);
      expect(keepalive.due).toBe(now + 3400);
      expect(protocol.state).toBe("open");
    });

    test("fails with 1008 if nothing arrives after the Ping", () => {
      const { protocol, keepalive, now } = make({ pingInterval: 1000, pongTimeout: 500, closeTimeout: 300 });
      keepalive.tick(now + 1000);
      protocol.take();
      expect(keepalive.tick(now + 1499)).toEqual([]);
      expect(short(keepalive.tick(now + 1500))).toEqual(["error:WS_ERR_PONG_TIMEOUT@0", "close:1006: not clean"]);
      expect(writtenShort(protocol, role)[0]).toMatch(/^close:1008:Nothing was received for 500 ms/);
      expect(keepalive.expired).toBe(false);
      expect(keepalive.due).toBe(now + 1800);
      expect(keepalive.tick(now + 1800)).toEqual([]);
      expect(keepalive.expired).toBe(true);
    });

    test("ends the connection closeTimeout after an unanswered Close", () => {
      const { protocol, keepalive, now } = make({ closeTimeout: 300 });
      protocol.close(1000);
      expect(keepalive.due).toBe(-Infinity);
      expect(keepalive.tick(now + 50)).toEqual([]);
      expect(keepalive.due).toBe(now + 350);
      expect(keepalive.tick(now + 349)).toEqual([]);
      expect(short(keepalive.tick(now + 350))).toEqual(["close:1006: not clean"]);
      expect(keepalive.expired).toBe(true);
      expect(protocol.state).toBe("closed");
      expect(keepalive.tick(now + 400)).toEqual([]);
      expect(keepalive.due).toBe(Infinity);
    });

    test("expires if the stream does not end after both Closes", () => {
      const { protocol, keepalive, now } = make({ closeTimeout: 300 });
      protocol.receive(toRole(role, close(1000)));
      protocol.take();
      keepalive.tick(now);
      expect(keepalive.expired).toBe(false);
      expect(keepalive.tick(now + 300)).toEqual([]);
      expect(keepalive.expired).toBe(true);
    });

    test("a peer that still reads gets more time to close, but not without limit", () => {
      const { protocol, keepalive, now } = make({ closeTimeout: 300 });
      protocol.close(1000);
      keepalive.tick(now);
      let at = now;
      for (; !keepalive.expired && at < now + 20_000; at += 200) {
        keepalive.alive(at);
        keepalive.tick(at);
      }
      expect(at - now).toBeGreaterThan(8_000);
      expect(at - now).toBeLessThan(10_000);
    });

    test("the reason for a missing Pong has whole milliseconds", () => {
      const { protocol, keepalive, now } = make({ pingInterval: 1000, pongTimeout: 500 });
      keepalive.tick(now + 1000.125);
      protocol.take();
      keepalive.tick(now + 1700.7071);
      expect(writtenShort(protocol, role)[0]).toBe("close:1008:Nothing was received for 701 ms after a Ping");
    });

    test("Infinity turns each time off", () => {
      const { protocol, keepalive, now } = make({ pingInterval: Infinity, closeTimeout: Infinity });
      expect(keepalive.due).toBe(Infinity);
      keepalive.tick(now + 1e9);
      expect(protocol.take()).toEqual([]);
      protocol.close(1000);
      keepalive.tick(now + 1e9);
      expect(keepalive.due).toBe(Infinity);
      expect(keepalive.tick(now + 2e9)).toEqual([]);
    });

    test("throws a RangeError unless times are numbers above 0, or 0 for closeTimeout", () => {
      expect(() => make({ pingInterval: 0 })).toThrow(RangeError);
      expect(() => make({ pongTimeout: 0 })).toThrow(RangeError);
      expect(() => make({ closeTimeout: 0 })).not.toThrow();
      expect(() => make({ pingInterval: -1 })).toThrow(RangeError);
      expect(() => make({ pongTimeout: Number.NaN })).toThrow(RangeError);
      expect(() => make({ closeTimeout: "1000" })).toThrow(RangeError);
    });
  });
}
