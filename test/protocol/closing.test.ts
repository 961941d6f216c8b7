// The closing handshake (RFC 6455 §7) from both sides, and connections that end without it.

import { describe, expect, test } from "vitest";
import { PreparedMessage, Protocol, WebSocketError } from "../../src/index.ts";
import { binary, close, other, ping, ROLES, short, text, toRole, utf8, writtenShort } from "../support/wire.ts";
import { concat } from "../reference/serialize.ts";

for (const role of ROLES) {
  describe(`role ${role}`, () => {
    const make = (options = {}) => new Protocol({ role, ...options });

    test("answers the peer's Close with its code, once", () => {
      const protocol = make();
      expect(short(protocol.receive(toRole(role, close(3001, "until tomorrow"))))).toEqual([
        "close:3001:until tomorrow",
      ]);
      expect(protocol.state).toBe("closing");
      expect(protocol.bufferedAmount).toBeGreaterThan(0);
      expect(writtenShort(protocol, role)).toEqual(["close:3001:"]);
      expect(protocol.state).toBe("closed");
      expect(protocol.take()).toEqual([]);
      expect(protocol.receiveEnd()).toEqual([]);
    });

    test("answers a Close without a code with an empty one, and reports 1005", () => {
      const protocol = make();
      expect(short(protocol.receive(toRole(role, close())))).toEqual(["close:1005:"]);
      expect(writtenShort(protocol, role)).toEqual(["close"]);
    });

    test("can answer messages in the same chunk before it answers the Close", () => {
      const protocol = make();
      for (const event of protocol.receive(toRole(role, text("question"), close(1000)))) {
        if (event.type === "text") protocol.send("answer");
      }
      protocol.ping("last");
      expect(writtenShort(protocol, role)).toEqual(["text:answer", "ping:last", "close:1000:"]);
      expect(protocol.send("too late")).toBe(false);
    });

    test("close() replaces the automatic answer", () => {
      const protocol = make();
      protocol.receive(toRole(role, close(1001)));
      protocol.close(4000, "as you wish");
      expect(protocol.state).toBe("closed");
      protocol.close(4001);
      expect(writtenShort(protocol, role)).toEqual(["close:4000:as you wish"]);
    });

    test("delivers messages until the peer's Close after close(), without answering Pings", () => {
      const protocol = make();
      protocol.send("last");
      protocol.close(1000, "done");
      expect(protocol.state).toBe("closing");
      expect(writtenShort(protocol, role)).toEqual(["text:last", "close:1000:done"]);
      expect(short(protocol.receive(toRole(role, text("still here"), ping("?"))))).toEqual([
        "text:still here",
        "ping:?",
      ]);
      expect(protocol.take()).toEqual([]);
      expect(short(protocol.receive(toRole(role, close(1000), text("ignored"))))).toEqual(["close:1000:"]);
      expect(protocol.state).toBe("closed");
      expect(protocol.take()).toEqual([]);
    });

    test("ends cleanly when both sides close at once, with one Close each", () => {
      const a = make();
      const b = new Protocol({ role: other(role) });
      a.close(1000, "a");
      b.close(1001, "b");
      const fromA = concat(a.take());
      const fromB = concat(b.take());
      expect(short(b.receive(fromA))).toEqual(["close:1000:a"]);
      expect(short(a.receive(fromB))).toEqual(["close:1001:b"]);
      expect([a.state, b.state]).toEqual(["closed", "closed"]);
      expect([a.take(), b.take()]).toEqual([[], []]);
    });

    test("reports 1006 if the stream ends without a Close, whatever was sent", () => {
      const protocol = make();
      const events = protocol.receive(toRole(role, text("whole"), text("half", { fin: false })));
      expect(short([...events, ...protocol.receiveEnd()])).toEqual(["text:whole", "close:1006: not clean"]);
      expect(protocol.state).toBe("closed");
      expect(protocol.receiveEnd()).toEqual([]);

      const closing = make();
      closing.close(1000);
      expect(short(closing.receiveEnd())).toEqual(["close:1006: not clean"]);
    });

    test("reports 1006 if the stream ends in the middle of a frame", () => {
      const bytes = toRole(role, binary(new Uint8Array(100)));
      for (let at = 0; at < bytes.length; at++) {
        const protocol = make();
        expect(protocol.receive(bytes.slice(0, at))).toEqual([]);
        expect(short(protocol.receiveEnd())).toEqual(["close:1006: not clean"]);
      }
    });

    test("ignores everything after a received Close: frames, HTTP, noise", () => {
      for (const after of [toRole(role, text("x"), close(1002)), utf8("HTTP/1.1 200 OK\r\n\r\n"), new Uint8Array(99)]) {
        const protocol = make();
        expect(short(protocol.receive(concat([toRole(role, close(1000)), after])))).toEqual(["close:1000:"]);
        expect(protocol.receive(after)).toEqual([]);
        expect(writtenShort(protocol, role)).toEqual(["close:1000:"]);
        expect(protocol.receive(after)).toEqual([]);
      }
    });

    test("reports no error for a malformed answer to our Close", () => {
      // gevent-websocket 0.10.1 answers with the payload "bye": code 25209. flask-sock under Werkzeug writes HTTP.
      for (const answer of [toRole(role, { opcode: 8, payload: utf8("bye") }), utf8("HTTP/1.1 200 OK\r\n\r\n")]) {
        const protocol = make();
        protocol.close(1000, "bye");
        protocol.take();
        expect(short(protocol.receive(answer))).toEqual(["close:1006: not clean"]);
        expect(protocol.state).toBe("closed");
        expect(protocol.error).toBeInstanceOf(WebSocketError);
        expect(protocol.take()).toEqual([]);
      }
    });

    test("answers an invalid UTF-8 reason with 1007, a payload of one byte with 1002", () => {
      const badReason = make();
      const payload = concat([Uint8Array.of(3, 232), Uint8Array.of(0xff)]);
      expect(short(badReason.receive(toRole(role, { opcode: 8, payload })))[0]).toMatch(/^error:WS_ERR_INVALID_UTF8/);
      expect(writtenShort(badReason, role)[0]).toMatch(/^close:1007:/);
      const oneByte = make();
      const events = oneByte.receive(toRole(role, { opcode: 8, payload: Uint8Array.of(3) }));
      expect(short(events)[0]).toMatch(/^error:WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH/);
      expect(writtenShort(oneByte, role)[0]).toMatch(/^close:1002:/);
    });

    test("cuts a reason to 123 bytes, between two characters", () => {
      const sent = (reason: string) => {
        const protocol = make();
        protocol.close(1000, reason);
        return writtenShort(protocol, role)[0]!.slice("close:1000:".length);
      };
      expect(sent("x".repeat(123))).toBe("x".repeat(123));
      expect(sent("x".repeat(124))).toBe("x".repeat(123));
      expect(sent("é".repeat(62))).toBe("é".repeat(61));
      expect(sent(`${"x".repeat(121)}€`)).toBe("x".repeat(121));
      expect(sent(`${"x".repeat(120)}🙂`)).toBe("x".repeat(120));
      expect(sent(`${"x".repeat(119)}🙂!`)).toBe(`${"x".repeat(119)}🙂`);
      expect(sent("🙂".repeat(1000))).toBe("🙂".repeat(30));
    });

    test("close() accepts only a number and a string", () => {
      const protocol = make();
      // Bytes instead of a string could expose foreign memory (ws, CVE-2026-45736).
      // @ts-expect-error it must be a string
      expect(() => protocol.close(1000, new Uint8Array(10))).toThrow(TypeError);
      // @ts-expect-error it must be a number
      expect(() => protocol.close("1000")).toThrow(RangeError);
      expect(() => protocol.close(undefined, "reason")).toThrow(RangeError);
      expect(protocol.state).toBe("open");
      expect(protocol.take()).toEqual([]);
      protocol.close();
      expect(writtenShort(protocol, role)).toEqual(["close"]);
    });

    test("sends nothing after the Close, and returns false", () => {
      const protocol = make();
      protocol.close(1000);
      for (const send of [
        () => protocol.send("x"),
        () => protocol.send(new Uint8Array(1), { fin: false }),
        () => protocol.send(new PreparedMessage("x")),
        () => protocol.ping(),
        () => protocol.pong(),
      ]) {
        expect(send()).toBe(false);
      }
      protocol.close(1001, "again");
      expect(writtenShort(protocol, role)).toEqual(["close:1000:"]);
    });

    test("fail() sends the reason to the peer and ends the connection", () => {
      const protocol = make();
      const error = new WebSocketError("WS_ERR_PONG_TIMEOUT", "gone", { closeCode: 1011, byteOffset: 0, rule: "mine" });
      expect(short(protocol.fail(error))).toEqual(["error:WS_ERR_PONG_TIMEOUT@0", "close:1006: not clean"]);
      expect(protocol.error).toBe(error);
      expect(writtenShort(protocol, role)).toEqual(["close:1011:gone"]);
      expect(protocol.fail(error)).toEqual([]);

      const answering = make();
      answering.receive(toRole(role, close(1000)));
      expect(answering.fail(error)).toEqual([]);
      expect(writtenShort(answering, role)).toEqual(["close:1011:gone"]);
    });

    test("a Close may come between the fragments of a message, from either side", () => {
      const protocol = make();
      protocol.send("begun", { fin: false });
      protocol.close(1001);
      expect(short(protocol.receive(toRole(role, text("begun", { fin: false }), close(1001))))).toEqual([
        "close:1001:",
      ]);
      expect(writtenShort(protocol, role)).toEqual(["text:begun…", "close:1001:"]);
    });
  });
}
