// Pings and Pongs (RFC 6455 §5.5.2, §5.5.3).

import { describe, expect, test } from "vitest";
import { Protocol } from "../../src/index.ts";
import { conforms, type Seen, SUBJECTS } from "./support/conforms.ts";
import { close, fromEndpoint, hex, MASK_KEY, ping, pong, text, toEndpoint, toHex, utf8 } from "./support/frames.ts";
import { concat } from "../reference/serialize.ts";

const hello = toHex(utf8("Hello, world!"));

describe("pings", () => {
  test("2.1: a ping without payload gets a pong without payload", () => {
    conforms([ping()], { events: [["ping", ""]] });
  });

  test("2.2: a ping with a text payload gets a pong with the same payload", () => {
    conforms([ping("Hello, world!")], { events: [["ping", hello]] });
  });

  test("2.3: a ping with a binary payload gets a pong with the same payload", () => {
    conforms([ping(hex("00fffefdfcfb00ff"))], { events: [["ping", "00fffefdfcfb00ff"]] });
  });

  test("2.4, 2.6: a ping of 125 bytes, in one chunk and byte by byte, gets a pong with the same payload", () => {
    conforms([ping(new Uint8Array(125).fill(0xfe))], { events: [["ping", "fe".repeat(125)]] });
  });

  test("2.5: a ping of 126 bytes fails at its second byte", () => {
    conforms([ping(new Uint8Array(126).fill(0xfe))], {
      fault: { code: "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH", closeCode: 1002, frame: 0, header: 1 },
    });
  });

  test("a ping with a 64-bit length fails at its second byte", () => {
    conforms([ping(new Uint8Array(1), { lengthBytes: 9 })], {
      fault: { code: "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH", closeCode: 1002, frame: 0, header: 1 },
    });
  });

  test("2.10, 2.11: ten pings, in one chunk and byte by byte, get ten pongs in their order", () => {
    const payloads = Array.from({ length: 10 }, (_, i) => `payload-${i}`);
    conforms(
      payloads.map((payload) => ping(payload)),
      { events: payloads.map((payload): Seen => ["ping", toHex(utf8(payload))]) },
    );
  });

  test("a ping is answered at once, not when the message around it ends", () => {
    for (const { role, core } of SUBJECTS) {
      const protocol = new Protocol({ role, core, maskKey: Uint8Array.from(MASK_KEY) });
      const begun = toEndpoint(role, text("begun", { fin: false }));
      const stream = concat([begun, toEndpoint(role, ping("now"))]);
      expect(protocol.receive(stream)).toEqual([{ type: "ping", data: utf8("now") }]);
      const answer = fromEndpoint(role, pong("now"));
      expect(concat(protocol.take())).toEqual(answer);
    }
  });

  test("without autoPong, a ping is only reported", () => {
    for (const { role, core } of SUBJECTS) {
      const protocol = new Protocol({ role, core, autoPong: false, maskKey: Uint8Array.from(MASK_KEY) });
      expect(protocol.receive(toEndpoint(role, ping("mine")))).toEqual([{ type: "ping", data: utf8("mine") }]);
      expect(protocol.take()).toEqual([]);
      protocol.pong("mine");
      expect(concat(protocol.take())).toEqual(fromEndpoint(role, pong("mine")));
    }
  });
});

describe("pongs", () => {
  test("2.7: an unsolicited pong without payload is not answered", () => {
    conforms([pong()], { events: [["pong", ""]] });
  });

  test("2.8: an unsolicited pong with payload is not answered", () => {
    conforms([pong("unsolicited pong payload")], { events: [["pong", toHex(utf8("unsolicited pong payload"))]] });
  });

  test("2.9: an unsolicited pong before a ping: the ping is answered", () => {
    conforms([pong("unsolicited pong payload"), ping("ping payload")], {
      events: [
        ["pong", toHex(utf8("unsolicited pong payload"))],
        ["ping", toHex(utf8("ping payload"))],
      ],
    });
  });

  test("a pong of 125 bytes is accepted, one of 126 fails at its second byte", () => {
    conforms([pong(new Uint8Array(125)), pong(new Uint8Array(126))], {
      events: [["pong", "00".repeat(125)]],
      fault: { code: "WS_ERR_INVALID_CONTROL_PAYLOAD_LENGTH", closeCode: 1002, frame: 1, header: 1 },
    });
  });
});

describe("sent", () => {
  test("ping() and pong() send their payload in one frame with their opcode", () => {
    for (const { role, core } of SUBJECTS) {
      const protocol = new Protocol({ role, core, maskKey: Uint8Array.from(MASK_KEY) });
      protocol.ping();
      protocol.ping("why");
      protocol.pong(hex("00ff"));
      protocol.close(1000);
      const frames = [ping(), ping("why"), pong(hex("00ff")), close(1000)];
      expect(concat(protocol.take())).toEqual(concat(frames.map((item) => fromEndpoint(role, item))));
    }
  });

  test("ping() and pong() refuse more than 125 bytes", () => {
    for (const { role, core } of SUBJECTS) {
      const protocol = new Protocol({ role, core });
      expect(() => protocol.ping(new Uint8Array(126))).toThrow(RangeError);
      expect(() => protocol.pong("é".repeat(63))).toThrow(RangeError);
      protocol.ping(new Uint8Array(125));
      expect(protocol.take().length).toBe(1);
    }
  });
});
