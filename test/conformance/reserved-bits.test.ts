// RSV1 to RSV3 without an extension that owns them (RFC 6455 §5.2).

import { describe, test } from "vitest";
import { conforms, type Fault } from "./support/conforms.ts";
import { close, frame, hex, ping, text, toHex, utf8 } from "./support/frames.ts";

/** RSV2 and RSV3 are checked first. */
function reserved(rsv: number, index: number): Fault {
  const code = rsv & 3 ? "WS_ERR_UNEXPECTED_RSV_2_3" : "WS_ERR_UNEXPECTED_RSV_1";
  return { code, closeCode: 1002, frame: index, header: 0 };
}

describe("the cases of the public suite", () => {
  test("3.1: text with RSV 1 fails at its first byte", () => {
    conforms([text("small", { rsv: 1 })], { fault: reserved(1, 0) });
  });

  test("3.2, 3.3, 3.4: text, then text with RSV 2, 3 or 4, then a ping: the first is echoed, the ping is not answered", () => {
    for (const rsv of [2, 3, 4]) {
      conforms([text("small"), text("small", { rsv }), ping()], {
        events: [["text", "small"]],
        fault: reserved(rsv, 1),
      });
    }
  });

  test("3.5: binary with RSV 5 fails at its first byte", () => {
    conforms([frame(2, hex("00fffefdfcfb00ff"), { rsv: 5 })], { fault: reserved(5, 0) });
  });

  test("3.6: a ping with RSV 6 fails at its first byte", () => {
    conforms([ping(hex("00fffefdfcfb00ff"), { rsv: 6 })], { fault: reserved(6, 0) });
  });

  test("3.7: a Close with RSV 7 fails at its first byte", () => {
    conforms([close(1000, "", { rsv: 7 })], { fault: reserved(7, 0) });
  });
});

describe("all values", () => {
  for (const opcode of [1, 2, 8, 9, 10]) {
    test(`each RSV value except 0 on opcode ${opcode} fails, and earlier frames are kept`, () => {
      for (let rsv = 1; rsv <= 7; rsv++) {
        conforms([text("before"), ping("p"), frame(opcode, opcode === 8 ? hex("03e8") : "x", { rsv })], {
          events: [
            ["text", "before"],
            ["ping", toHex(utf8("p"))],
          ],
          fault: reserved(rsv, 2),
        });
      }
    });
  }

  test("each RSV value except 0 on a continuation fails, and its message is not delivered", () => {
    for (let rsv = 1; rsv <= 7; rsv++) {
      conforms([text("begun", { fin: false }), frame(0, "ended", { rsv })], { fault: reserved(rsv, 1) });
    }
  });

  test("RSV bits are checked before everything else in a frame", () => {
    conforms([frame(15, new Uint8Array(126), { rsv: 1, fin: false })], { fault: reserved(1, 0) });
  });
});
