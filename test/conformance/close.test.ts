// The closing handshake, from both sides (RFC 6455 §5.5.1, §7).

import { describe, expect, test } from "vitest";
import { Protocol } from "../../src/index.ts";
import { concat, type RawFrame } from "../reference/serialize.ts";
import { conforms, type Fault, type Subject, SUBJECTS } from "./support/conforms.ts";
import {
  binary,
  close,
  closePayload,
  continuation,
  fragments,
  frame,
  fromEndpoint,
  hex,
  MASK_KEY,
  ping,
  pong,
  text,
  toEndpoint,
  utf8,
} from "./support/frames.ts";

const endpoint = ({ role, core }: Subject): Protocol =>
  new Protocol({ role, core, maskKey: Uint8Array.from(MASK_KEY) });

const stream = (role: "server" | "client", ...frames: RawFrame[]): Uint8Array =>
  concat(frames.map((item) => toEndpoint(role, item)));

describe("after a Close", () => {
  test("7.1.1: text, then a Close: the text is echoed, the Close is answered", () => {
    conforms([text("Hello World!"), close(1000)], { events: [["text", "Hello World!"]], close: [1000, ""] });
  });

  test("7.1.2: the second of two Closes is ignored", () => {
    conforms([close(1000), close(1001)], { close: [1000, ""] });
  });

  test("7.1.3: a ping after a Close is not answered", () => {
    conforms([close(1000), ping("too late")], { close: [1000, ""] });
  });

  test("7.1.4: text after a Close is not delivered", () => {
    conforms([close(1000), text("too late")], { close: [1000, ""] });
  });

  test("7.1.5: a Close between two fragments: the message is not delivered", () => {
    conforms([text("fragment1", { fin: false }), close(1000), continuation("fragment2")], { close: [1000, ""] });
  });

  test("7.1.6: 256 KiB of text, a Close and a ping: the text is echoed, the ping is not answered", () => {
    const message = "BAsd7&jh23".repeat(26_215).slice(0, 262_144);
    conforms([text("Hello World!"), text(message), close(1000), ping()], {
      events: [
        ["text", "Hello World!"],
        ["text", message],
      ],
      close: [1000, ""],
    });
  });

  test("errors after a Close do not matter, and neither do bytes that are not frames", () => {
    for (const subject of SUBJECTS) {
      const protocol = endpoint(subject);
      const garbage = concat([hex("ffffffffff"), utf8("HTTP/1.1 200 OK\r\n\r\n")]);
      const events = protocol.receive(concat([stream(subject.role, close(1000)), garbage]));
      expect(events).toEqual([{ type: "close", code: 1000, reason: "", wasClean: true }]);
      expect(protocol.receive(garbage)).toEqual([]);
      expect(protocol.error).toBe(undefined);
    }
  });
});

describe("before the answer to a Close", () => {
  test("earlier messages can be answered, and an unfinished one completed; take() adds the Close after them", () => {
    for (const subject of SUBJECTS) {
      const protocol = endpoint(subject);
      protocol.send("begun, ", { fin: false });
      const [asked] = protocol.receive(stream(subject.role, text("asked"), close(3001, "bye")));
      expect(asked).toEqual({ type: "text", data: "asked" });
      expect(protocol.state).toBe("closing");
      protocol.send("ended");
      protocol.send("answered");
      const frames = [text("begun, ", { fin: false }), continuation("ended"), text("answered"), close(3001)];
      expect(concat(protocol.take())).toEqual(concat(frames.map((item) => fromEndpoint(subject.role, item))));
      expect(protocol.state).toBe("closed");
      expect(protocol.send("late")).toBe(false);
      expect(protocol.take()).toEqual([]);
    }
  });

  test("another Close can be chosen, and there is still only one", () => {
    for (const subject of SUBJECTS) {
      const protocol = endpoint(subject);
      expect(protocol.receive(stream(subject.role, close(1000))).length).toBe(1);
      protocol.close(4000, "mine");
      expect(protocol.state).toBe("closed");
      protocol.close(1000);
      expect(concat(protocol.take())).toEqual(fromEndpoint(subject.role, close(4000, "mine")));
      expect(protocol.take()).toEqual([]);
    }
  });

  test("the stream may end: the Close is still sent, and the end is not reported again", () => {
    for (const subject of SUBJECTS) {
      const protocol = endpoint(subject);
      expect(protocol.receive(stream(subject.role, close(1001))).length).toBe(1);
      expect(protocol.receiveEnd()).toEqual([]);
      expect(concat(protocol.take())).toEqual(fromEndpoint(subject.role, close(1001)));
      expect(protocol.state).toBe("closed");
    }
  });
});

describe("the payload of a Close", () => {
  const shape = { code: "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH", closeCode: 1002, frame: 0, header: 1 } as const;

  test("7.3.1: no payload: reports 1005, and answers without a payload", () => {
    conforms([close()], { close: [1005, ""] });
  });

  test("7.3.2: one byte fails at its second header byte", () => {
    conforms([frame(8, "a")], { fault: shape });
  });

  test("7.3.3: only a code", () => {
    conforms([close(1000)], { close: [1000, ""] });
  });

  test("7.3.4: a code and a reason", () => {
    conforms([close(1000, "Hello World!")], { close: [1000, "Hello World!"] });
  });

  test("7.3.5: a code and a reason of 123 bytes", () => {
    conforms([close(1000, "*".repeat(123))], { close: [1000, "*".repeat(123)] });
  });

  test("7.3.6: a code and a reason of 124 bytes fails at its second header byte", () => {
    conforms([close(1000, "*".repeat(124))], { fault: shape });
  });

  test("7.5.1: a reason that is not UTF-8 fails at the first wrong byte, with 1007", () => {
    conforms([close(1000, hex("cebae1bdb9cf83cebcceb5eda080656469746564"))], {
      fault: { code: "WS_ERR_INVALID_UTF8", closeCode: 1007, frame: 0, payload: 14 },
    });
  });

  test("a reason may have a byte order mark and characters of all lengths", () => {
    conforms([close(3000, "\u{feff}aé€𝄞")], { close: [3000, "\u{feff}aé€𝄞"] });
  });
});

describe("close codes", () => {
  const valid = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999];
  valid.forEach((code, i) => {
    test(`7.7.${i + 1}: ${code} is answered with ${code}`, () => {
      conforms([close(code)], { close: [code, ""] });
      conforms([text("x"), close(code, "because")], { events: [["text", "x"]], close: [code, "because"] });
    });
  });

  const invalidCode = (frameIndex: number): Fault => ({
    code: "WS_ERR_INVALID_CLOSE_CODE",
    closeCode: 1002,
    frame: frameIndex,
    payload: 1,
  });
  const invalid: readonly (readonly [name: string, code: number])[] = [
    ...[0, 999, 1004, 1005, 1006, 1016, 1100, 2000, 2999].map((code, i) => [`7.9.${i + 1}`, code] as const),
    ["7.13.1", 5000],
    ["7.13.2", 65_535],
    ["reserved for TLS", 1015],
  ];
  for (const [name, code] of invalid) {
    test(`${name}: ${code} fails at its second byte, and 1002 is sent`, () => {
      conforms([close(code)], { fault: invalidCode(0) });
      conforms([text("x"), close(code, "because")], { events: [["text", "x"]], fault: invalidCode(1) });
    });
  }

  test("1012, 1013 and 1014, which were registered later, are answered with themselves", () => {
    for (const code of [1012, 1013, 1014]) conforms([close(code)], { close: [code, ""] });
  });
});

describe("a Close of this side", () => {
  test("is sent with code and reason; the state is closing until the peer's Close, then closed", () => {
    for (const subject of SUBJECTS) {
      const protocol = endpoint(subject);
      protocol.send("before");
      protocol.close(1001, "going");
      expect(protocol.state).toBe("closing");
      expect(concat(protocol.take())).toEqual(
        concat([fromEndpoint(subject.role, text("before")), fromEndpoint(subject.role, close(1001, "going"))]),
      );
      expect(protocol.receive(stream(subject.role, close(1001, "bye")))).toEqual([
        { type: "close", code: 1001, reason: "bye", wasClean: true },
      ]);
      expect(protocol.state).toBe("closed");
      expect(protocol.take()).toEqual([]);
    }
  });

  test("without a code it has no payload", () => {
    for (const subject of SUBJECTS) {
      const protocol = endpoint(subject);
      protocol.close();
      expect(concat(protocol.take())).toEqual(fromEndpoint(subject.role, close()));
    }
  });

  test("nothing is sent after it: no message, ping, pong or second Close, and no answer to a ping", () => {
    for (const subject of SUBJECTS) {
      const protocol = endpoint(subject);
      protocol.close(1000);
      protocol.take();
      expect(protocol.send("x")).toBe(false);
      expect(protocol.send(utf8("x"), { fin: false })).toBe(false);
      expect(protocol.ping()).toBe(false);
      expect(protocol.pong()).toBe(false);
      protocol.close(1001);
      expect(protocol.receive(stream(subject.role, ping("p")))).toEqual([{ type: "ping", data: utf8("p") }]);
      expect(protocol.take()).toEqual([]);
    }
  });

  test("leaves a message in pieces unfinished", () => {
    for (const subject of SUBJECTS) {
      const protocol = endpoint(subject);
      protocol.send("begun", { fin: false });
      protocol.close(1000);
      expect(protocol.send("ended")).toBe(false);
      const frames = [text("begun", { fin: false }), close(1000)].map((item) => fromEndpoint(subject.role, item));
      expect(concat(protocol.take())).toEqual(concat(frames));
    }
  });

  test("messages that arrive before the peer's Close are delivered", () => {
    for (const subject of SUBJECTS) {
      const protocol = endpoint(subject);
      protocol.close(1000);
      const frames = [...fragments(1, "a", "b"), pong("p"), binary("c"), close(1000)];
      expect(protocol.receive(stream(subject.role, ...frames))).toEqual([
        { type: "text", data: "ab" },
        { type: "pong", data: utf8("p") },
        { type: "binary", data: utf8("c") },
        { type: "close", code: 1000, reason: "", wasClean: true },
      ]);
    }
  });

  test("two Closes that cross end both sides cleanly, each with the other's code", () => {
    for (const subject of SUBJECTS) {
      const one = endpoint(subject);
      const other = endpoint({ ...subject, role: subject.role === "server" ? "client" : "server" });
      one.close(1000, "one");
      other.close(1001, "other");
      const [toOther, toOne] = [concat(one.take()), concat(other.take())];
      expect(one.receive(toOne)).toEqual([{ type: "close", code: 1001, reason: "other", wasClean: true }]);
      expect(other.receive(toOther)).toEqual([{ type: "close", code: 1000, reason: "one", wasClean: true }]);
      expect([...one.take(), ...other.take()]).toEqual([]);
    }
  });

  test("a reason without a code is refused", () => {
    for (const subject of SUBJECTS) {
      const protocol = endpoint(subject);
      expect(() => protocol.close(undefined, "why")).toThrow(RangeError);
      expect(protocol.state).toBe("open");
      expect(protocol.take()).toEqual([]);
    }
  });

  test("a reason is cut at 123 bytes, between characters", () => {
    for (const subject of SUBJECTS) {
      for (const [reason, cut] of [
        ["*".repeat(123), "*".repeat(123)],
        ["*".repeat(124), "*".repeat(123)],
        ["é".repeat(62), "é".repeat(61)],
        ["€".repeat(42), "€".repeat(41)],
        [`a${"𝄞".repeat(31)}`, `a${"𝄞".repeat(30)}`],
      ] as const) {
        const protocol = endpoint(subject);
        protocol.close(1000, reason);
        expect(concat(protocol.take())).toEqual(fromEndpoint(subject.role, close(1000, cut)));
      }
    }
  });

  test("a malformed answer, or one that is not a Close, ends the connection without another Close", () => {
    for (const subject of SUBJECTS) {
      for (const answer of [
        stream(subject.role, frame(8, closePayload(25_209, "e"))),
        stream(subject.role, frame(8, "x")),
        utf8("HTTP/1.1 200 OK\r\n\r\n"),
        stream(subject.role, text(hex("ff"))),
      ]) {
        const protocol = endpoint(subject);
        protocol.close(1000);
        protocol.take();
        expect(protocol.receive(answer).at(-1)).toMatchObject({ type: "close", code: 1006, wasClean: false });
        expect(protocol.state).toBe("closed");
        expect(protocol.take()).toEqual([]);
      }
    }
  });
});

describe("the end of the stream", () => {
  test("without a Close is reported as 1006, once", () => {
    for (const subject of SUBJECTS) {
      for (const begun of [
        new Uint8Array(0),
        stream(subject.role, text("begun", { fin: false })),
        stream(subject.role, text("cut")).subarray(0, 3),
        stream(subject.role, close(1000)).subarray(0, -1),
      ]) {
        const protocol = endpoint(subject);
        expect(protocol.receive(begun)).toEqual([]);
        expect(protocol.receiveEnd()).toEqual([{ type: "close", code: 1006, reason: "", wasClean: false }]);
        expect(protocol.state).toBe("closed");
        expect(protocol.receiveEnd()).toEqual([]);
        expect(protocol.receive(stream(subject.role, text("late")))).toEqual([]);
        expect(protocol.take()).toEqual([]);
      }
    }
  });

  test("while waiting for the peer's Close is reported as 1006", () => {
    for (const subject of SUBJECTS) {
      const protocol = endpoint(subject);
      protocol.close(1000);
      expect(protocol.receiveEnd()).toEqual([{ type: "close", code: 1006, reason: "", wasClean: false }]);
    }
  });

  test("after both Closes is not reported again", () => {
    for (const subject of SUBJECTS) {
      const protocol = endpoint(subject);
      expect(protocol.receive(stream(subject.role, close(1000))).length).toBe(1);
      expect(protocol.receiveEnd()).toEqual([]);
    }
  });
});
