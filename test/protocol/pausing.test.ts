// Pauses in the middle of a chunk, and the delivery of the rest.

import { describe, expect, test } from "vitest";
import { type MessageSink, Protocol, type ProtocolOptions } from "../../src/index.ts";
import { concat } from "../reference/serialize.ts";
import { binary, close, CORES, ping, ROLES, text, toRole, utf8, writtenShort } from "../support/wire.ts";

/** A sink that records events, and calls `after` after each event except the last. */
function noting(after: () => void): { seen: string[]; sink: MessageSink } {
  const seen: string[] = [];
  const note = (what: string): void => {
    seen.push(what);
    after();
  };
  return {
    seen,
    sink: {
      text: (data) => note(`text:${data}`),
      binary: (data) => note(`binary:${Buffer.from(data).toString("latin1")}`),
      ping: (data) => note(`ping:${Buffer.from(data).toString()}`),
      pong: (data) => note(`pong:${Buffer.from(data).toString()}`),
      error: (error) => void seen.push(`error:${error.code}`),
      close: (code, reason, wasClean) => void seen.push(`close:${code}:${reason}:${wasClean}`),
    },
  };
}

for (const role of ROLES) {
  for (const core of CORES) {
    describe(`role ${role}, ${core} core`, () => {
      const make = (options: Partial<ProtocolOptions> = {}) => new Protocol({ role, core, ...options });
      const mixed = [text("one"), text("zwölf"), ping("?"), binary(utf8("two")), text("three"), text("")];
      const wanted = ["text:one", "text:zwölf", "ping:?", "binary:two", "text:three", "text:"];

      test("each resume() continues where the last call stopped", () => {
        const protocol = make();
        const { seen, sink } = noting(() => protocol.pause());
        const chunk = toRole(role, ...mixed, close(1000, "bye"));
        protocol.push(chunk, sink);
        // The kept bytes are a copy.
        chunk.fill(0xff);
        for (let i = 1; i <= wanted.length; i++) {
          expect(seen).toEqual(wanted.slice(0, i));
          expect(protocol.paused).toBe(true);
          expect(protocol.heldBytes).toBeGreaterThan(0);
          protocol.resume(sink);
        }
        expect(seen).toEqual([...wanted, "close:1000:bye:true"]);
        expect(protocol.heldBytes).toBe(0);
        expect(writtenShort(protocol, role)).toEqual(["pong:?", "close:1000:"]);
      });

      test("an error and the end of the stream wait until earlier events are delivered", () => {
        for (const last of [toRole(role, { opcode: 3, payload: utf8("") }), new Uint8Array(0)]) {
          const protocol = make();
          const { seen, sink } = noting(() => protocol.pause());
          protocol.push(concat([toRole(role, text("a"), text("b")), last]), sink);
          protocol.pushEnd(sink);
          expect(seen).toEqual(["text:a"]);
          protocol.resume(sink);
          expect(seen).toEqual(["text:a", "text:b"]);
          protocol.resume(sink);
          const end = last.length > 0 ? ["error:WS_ERR_INVALID_OPCODE"] : [];
          expect(seen).toEqual(["text:a", "text:b", ...end, "close:1006::false"]);
          protocol.resume(sink);
          expect(seen.filter((event) => event.startsWith("close"))).toHaveLength(1);
        }
      });

      test("keeps chunks while paused, and joins cut frames", () => {
        const protocol = make();
        const { seen, sink } = noting(() => {});
        const stream = toRole(role, ...mixed);
        protocol.pause();
        for (let at = 0; at < stream.length; at += 3) {
          const landing = protocol.reserve();
          landing.set(stream.subarray(at, at + 3));
          protocol.commit(Math.min(3, stream.length - at), sink);
        }
        expect(seen).toEqual([]);
        expect(protocol.heldBytes).toBe(stream.length);
        protocol.resume(sink);
        expect(seen).toEqual(wanted);
        expect(protocol.paused).toBe(false);
      });

      test("resume() in a callback undoes the pause", () => {
        const protocol = make();
        const { seen, sink } = noting(() => {
          protocol.pause();
          protocol.resume(sink);
        });
        protocol.push(toRole(role, ...mixed), sink);
        expect(seen).toEqual(wanted);
      });

      test("with holdClose, a Close or an error can be answered later", () => {
        for (const [last, wanted] of [
          [close(1001), "close:1001:"],
          [{ opcode: 3, payload: utf8("") }, "close:1002:"],
        ] as const) {
          const protocol = make();
          protocol.receive(toRole(role, text("question"), last));
          expect(protocol.take({ holdClose: true })).toEqual([]);
          expect(protocol.state).toBe("closing");
          expect(protocol.streamEnd).toBe("none");
          expect(protocol.bufferedAmount).toBeGreaterThan(0);
          expect(protocol.send("answer")).toBe(true);
          const [answer, end] = writtenShort(protocol, role);
          expect(answer).toBe("text:answer");
          expect(end).toContain(wanted);
          expect(protocol.send("late")).toBe(false);
          expect(protocol.bufferedAmount).toBe(0);
        }
      });
    });
  }

  describe(`the end of the stream, role ${role}`, () => {
    const server = role === "server";

    test("after both Closes the server ends the stream, and a client waits for that", () => {
      const protocol = new Protocol({ role });
      expect(protocol.streamEnd).toBe("none");
      protocol.receive(toRole(role, close(1000)));
      expect(protocol.streamEnd).toBe("none");
      protocol.take();
      expect(protocol.streamEnd).toBe(server ? "send" : "expect");
      protocol.receiveEnd();
      expect(protocol.streamEnd).toBe("send");
    });

    test("after both Closes, the same sides end the stream if this side closed first", () => {
      const protocol = new Protocol({ role });
      protocol.close(1000);
      protocol.take();
      expect(protocol.streamEnd).toBe("none");
      protocol.receive(toRole(role, close(1000)));
      expect(protocol.streamEnd).toBe(server ? "send" : "expect");
    });

    test("after an error, or an end without a Close, either side ends the stream", () => {
      const failed = new Protocol({ role });
      failed.receive(toRole(role, { opcode: 3, payload: utf8("") }));
      expect(failed.streamEnd).toBe("none");
      failed.take();
      expect(failed.streamEnd).toBe("send");
      const cut = new Protocol({ role });
      cut.receiveEnd();
      expect(cut.streamEnd).toBe("send");
    });

    test("the peer may end its side together with its Close", () => {
      const protocol = new Protocol({ role });
      protocol.receive(toRole(role, text("question"), close(1000)));
      expect(protocol.receiveEnd()).toEqual([]);
      expect(protocol.send("answer")).toBe(true);
      expect(writtenShort(protocol, role)).toEqual(["text:answer", "close:1000:"]);
      expect(protocol.streamEnd).toBe("send");
    });
  });
}

describe("control frames after a pause of the reader", () => {
  const pings = (count: number) => concat(Array.from({ length: count }, () => toRole("server", ping())));

  test("control frames that arrived while the reader was paused are not a flood", () => {
    const protocol = new Protocol({ role: "server", limits: { maxPendingPongs: Infinity } });
    protocol.receive(pings(900), 0);
    protocol.receive(pings(4_500), 5_000);
    expect(protocol.state).toBe("open");
    protocol.receive(pings(601), 5_001);
    expect(protocol.error?.code).toBe("WS_ERR_TOO_MANY_CONTROL_FRAMES");
  });

  test("counts frames kept by a pause over the time until resume()", () => {
    const limits = { maxPendingPongs: Infinity, maxControlFrames: 10, controlPeriod: 100 };
    const protocol = new Protocol({ role: "server", limits });
    const { sink } = noting(() => {});
    protocol.push(pings(1), sink, 0);
    protocol.pause();
    // The peer sends as many control frames as are allowed, while the connection is paused.
    for (let time = 50; time <= 950; time += 100) protocol.push(pings(5), sink, time);
    protocol.resume(sink, 960);
    expect(protocol.error).toBeUndefined();
    protocol.push(pings(101), sink, 961);
    expect(protocol.error?.code).toBe("WS_ERR_TOO_MANY_CONTROL_FRAMES");
  });

  test("keeps unused allowance for later, even if something else is read in between", () => {
    const limits = { maxPendingPongs: Infinity, maxControlFrames: 30, controlPeriod: 100 };
    const protocol = new Protocol({ role: "server", limits });
    protocol.receive(pings(1), 0);
    // The peer sends 10 control frames in each period, most of which are read late.
    protocol.receive(pings(3), 500);
    protocol.receive(pings(56), 650);
    expect(protocol.error).toBeUndefined();
    protocol.receive(pings(166), 651);
    expect(protocol.error?.code).toBe("WS_ERR_TOO_MANY_CONTROL_FRAMES");
  });

  test("accepts a peer that stays within the limit, however often it is read", () => {
    const limits = { maxPendingPongs: Infinity, maxControlFrames: 10, controlPeriod: 100 };
    for (const pause of [1, 99, 100, 101, 199, 250]) {
      const protocol = new Protocol({ role: "server", limits });
      let sent = 0;
      for (let time = 0; time < 5_000; time += pause) {
        const due = Math.floor(time / 12.5);
        protocol.receive(pings(due - sent), time);
        sent = due;
      }
      expect(protocol.error).toBeUndefined();
    }
  });

  test("a long silence does not allow a flood", () => {
    const protocol = new Protocol({ role: "server", limits: { maxPendingPongs: Infinity, maxControlFrames: 10 } });
    protocol.receive(pings(1), 0);
    protocol.receive(pings(601), 3_600_000);
    expect(protocol.error?.code).toBe("WS_ERR_TOO_MANY_CONTROL_FRAMES");
  });
});
