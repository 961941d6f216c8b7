// Messages in several frames (RFC 6455 §5.4).

import { describe, expect, test } from "vitest";
import { Protocol } from "../../src/index.ts";
import { concat, type RawFrame } from "../reference/serialize.ts";
import { Random } from "../support/random.ts";
import { conforms, type Fault, type Seen, SUBJECTS } from "./support/conforms.ts";
import {
  binary,
  close,
  continuation,
  fragmented,
  fragments,
  frame,
  fromEndpoint,
  MASK_KEY,
  ping,
  pong,
  text,
  toHex,
  utf8,
} from "./support/frames.ts";

const inHex = (value: string): string => toHex(utf8(value));

const fault = (code: Fault["code"], index: number): Fault => ({ code, closeCode: 1002, frame: index, header: 0 });

describe("control frames are never fragmented", () => {
  test("5.1: a ping in two fragments fails at its first byte", () => {
    conforms([ping("fragment1", { fin: false }), continuation("fragment2")], {
      fault: fault("WS_ERR_EXPECTED_FIN", 0),
    });
  });

  test("5.2: a pong in two fragments fails at its first byte", () => {
    conforms([pong("fragment1", { fin: false }), continuation("fragment2")], {
      fault: fault("WS_ERR_EXPECTED_FIN", 0),
    });
  });

  test("a Close without FIN fails at its first byte", () => {
    conforms([text("x"), close(1000, "", { fin: false })], {
      events: [["text", "x"]],
      fault: fault("WS_ERR_EXPECTED_FIN", 1),
    });
  });

  test("a control frame without FIN inside a message fails, and the message is not delivered", () => {
    for (const opcode of [8, 9, 10]) {
      conforms([text("begun", { fin: false }), frame(opcode, "", { fin: false }), continuation("ended")], {
        fault: fault("WS_ERR_EXPECTED_FIN", 1),
      });
    }
  });
});

describe("messages in fragments", () => {
  test("5.3, 5.4, 5.5: text in two fragments is one message", () => {
    conforms(fragments(1, "fragment1", "fragment2"), { events: [["text", "fragment1fragment2"]] });
  });

  test("5.6, 5.7, 5.8: a ping between two fragments of text is answered before the message", () => {
    const [first, last] = fragments(1, "fragment1", "fragment2") as [RawFrame, RawFrame];
    conforms([first, ping("ping payload"), last], {
      events: [
        ["ping", inHex("ping payload")],
        ["text", "fragment1fragment2"],
      ],
    });
  });

  test("5.19, 5.20: text in five fragments with two pings between them", () => {
    const parts = fragments(1, "fragment1", "fragment2", "fragment3", "fragment4", "fragment5");
    conforms([...parts.slice(0, 2), ping("pongme 1!"), ...parts.slice(2, 4), ping("pongme 2!"), parts[4]!], {
      events: [
        ["ping", inHex("pongme 1!")],
        ["ping", inHex("pongme 2!")],
        ["text", "fragment1fragment2fragment3fragment4fragment5"],
      ],
    });
  });

  test("binary in fragments is one message, with pongs in between", () => {
    const [first, middle, last] = fragments(2, "\0a", "", "b\u{7f}") as [RawFrame, RawFrame, RawFrame];
    conforms([first, pong("1"), middle, pong("2"), last], {
      events: [
        ["pong", "31"],
        ["pong", "32"],
        ["binary", "0061627f"],
      ],
    });
  });

  test("fragmented messages one after the other, with whole ones in between", () => {
    conforms(
      [...fragments(1, "a", "b"), text("c"), ...fragments(2, "d", "e", "f"), binary("g"), ...fragments(1, "", "")],
      {
        events: [
          ["text", "ab"],
          ["text", "c"],
          ["binary", inHex("def")],
          ["binary", inHex("g")],
          ["text", ""],
        ],
      },
    );
  });

  for (const length of [0, 1, 125, 126, 127, 1000]) {
    test(`a message of ${length} bytes in fragments of 1, 2, 3, 64 and 125 bytes`, () => {
      const payload = Uint8Array.from({ length }, (_, i) => 32 + (i % 90));
      const message = Buffer.from(payload).toString();
      for (const size of [1, 2, 3, 64, 125]) {
        conforms([...fragmented(1, payload, size), ...fragmented(2, payload, size)], {
          events: [
            ["text", message],
            ["binary", toHex(payload)],
          ],
        });
      }
    });
  }

  test("any message in any fragments, with any control frames in between, arrives unchanged (200 at random)", () => {
    const random = new Random(54);
    for (let round = 0; round < 20; round++) {
      const frames: RawFrame[] = [];
      const events: Seen[] = [];
      for (let message = 0; message < 10; message++) {
        const isText = random.chance(0.5);
        const payload = isText ? utf8("aé€𝄞".repeat(random.integer(0, 12))) : random.bytes(random.integer(0, 150));
        const parts = fragmented(isText ? 1 : 2, payload, random.integer(1, 40));
        parts.forEach((part, i) => {
          if (i > 0 && random.chance(0.3)) {
            const data = random.bytes(random.integer(0, 5));
            const asked = random.chance(0.5);
            frames.push(asked ? ping(data) : pong(data));
            events.push([asked ? "ping" : "pong", toHex(data)]);
          }
          frames.push(part);
        });
        events.push(isText ? ["text", Buffer.from(payload).toString()] : ["binary", toHex(payload)]);
      }
      conforms(frames, { events });
    }
  });
});

describe("the order of fragments", () => {
  const nothing = (index: number) => fault("WS_ERR_INVALID_OPCODE", index);

  test("5.9, 5.10, 5.11: a continuation with FIN but without a message fails at its first byte", () => {
    conforms([continuation("non-continuation payload"), text("Hello, world!")], { fault: nothing(0) });
  });

  test("5.12, 5.13, 5.14: a continuation without FIN and without a message fails at its first byte", () => {
    conforms([continuation("non-continuation payload", { fin: false }), text("Hello, world!")], { fault: nothing(0) });
  });

  test("5.15: a continuation after a message has ended fails; that message is kept", () => {
    conforms(
      [...fragments(1, "fragment1", "fragment2"), continuation("fragment3", { fin: false }), text("fragment4")],
      {
        events: [["text", "fragment1fragment2"]],
        fault: nothing(2),
      },
    );
  });

  test("5.16: a continuation without FIN before each message fails at the first", () => {
    const round = [
      continuation("fragment1", { fin: false }),
      text("fragment2", { fin: false }),
      continuation("fragment3"),
    ];
    conforms([...round, ...round], { fault: nothing(0) });
  });

  test("5.17: a continuation with FIN before each message fails at the first", () => {
    const round = [continuation("fragment1"), text("fragment2", { fin: false }), continuation("fragment3")];
    conforms([...round, ...round], { fault: nothing(0) });
  });

  test("5.18: text in two fragments that both say text fails at the second", () => {
    conforms([text("fragment1", { fin: false }), text("fragment2")], { fault: nothing(1) });
  });

  test("a new message of either kind inside another fails at its first byte", () => {
    for (const outer of [text, binary]) {
      for (const inner of [text, binary]) {
        for (const fin of [true, false]) {
          conforms([text("kept"), outer("begun", { fin: false }), ping("p"), inner("new", { fin })], {
            events: [
              ["text", "kept"],
              ["ping", "70"],
            ],
            fault: nothing(3),
          });
        }
      }
    }
  });

  test("a continuation after a whole message fails at its first byte", () => {
    for (const fin of [true, false]) {
      conforms([text("whole"), continuation("", { fin })], { events: [["text", "whole"]], fault: nothing(1) });
    }
  });
});

describe("limits on fragments", () => {
  test("a message with too many frames fails at the header of the first one too many", () => {
    conforms(
      [
        ...fragments(1, "a", "b", "c"),
        text("1", { fin: false }),
        continuation("2", { fin: false }),
        continuation("3", { fin: false }),
        continuation("4"),
      ],
      {
        events: [["text", "abc"]],
        fault: { code: "WS_ERR_TOO_MANY_BUFFERED_PARTS", closeCode: 1008, frame: 6, header: 0, wholeHeader: true },
      },
      { limits: { maxFragments: 3 } },
    );
  });

  test("fragments that are together too long fail at the header that says so", () => {
    conforms(
      [...fragments(2, "12345", "67890"), binary("12345", { fin: false }), continuation("678901")],
      {
        events: [["binary", inHex("1234567890")]],
        fault: { code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", closeCode: 1009, frame: 3, header: 0, wholeHeader: true },
      },
      { limits: { maxMessage: 10 } },
    );
  });
});

describe("sent in pieces", () => {
  test("the first frame has the opcode, the others are continuations, the last has FIN, and pings go in between", () => {
    for (const { role, core } of SUBJECTS) {
      const protocol = new Protocol({ role, core, maskKey: Uint8Array.from(MASK_KEY) });
      protocol.send("one", { fin: false });
      protocol.ping("p");
      protocol.send("two", { fin: false });
      protocol.send("three");
      protocol.send(utf8("four"), { fin: false });
      protocol.send(utf8(""));
      const frames = [
        text("one", { fin: false }),
        ping("p"),
        continuation("two", { fin: false }),
        continuation("three"),
        binary("four", { fin: false }),
        continuation(""),
      ];
      expect(concat(protocol.take())).toEqual(concat(frames.map((item) => fromEndpoint(role, item))));
    }
  });

  test("a message of the other kind cannot start inside one", () => {
    for (const { role, core } of SUBJECTS) {
      const protocol = new Protocol({ role, core, maskKey: Uint8Array.from(MASK_KEY) });
      protocol.send("begun", { fin: false });
      expect(() => protocol.send(utf8("bytes"))).toThrow(TypeError);
      protocol.send("ended");
      const frames = [text("begun", { fin: false }), continuation("ended")];
      expect(concat(protocol.take())).toEqual(concat(frames.map((item) => fromEndpoint(role, item))));
    }
  });
});
