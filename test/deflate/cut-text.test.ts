// Text that ends inside a character, in a message that inflates to several pieces.

import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { perMessageDeflate, Protocol } from "../../src/index.ts";
import { continuation, ROLES, text, toRole, utf8 } from "../support/wire.ts";

describe.each(ROLES)("role %s", (role) => {
  test.each([true, false])("is not valid, with fragments: %s", (fragments) => {
    for (const end of ["", "\xc3", "\xe6\xbc", "\xf0\x9f\x98"]) {
      const content = Buffer.concat([Buffer.from("漢é".repeat(30_000)), Buffer.from(end, "latin1")]);
      const protocol = new Protocol({ role, fragments, extensions: [perMessageDeflate()] });
      const frame = text("", { payload: new Uint8Array(deflateRawSync(content)), rsv: 4 });
      protocol.receive(toRole(role, frame));
      expect([end, protocol.error?.code]).toEqual([end, end === "" ? undefined : "WS_ERR_INVALID_UTF8"]);
    }
  });

  test("an invalid message fails at the end of its frame, a too long one at a header", () => {
    const compressed = { payload: new Uint8Array(deflateRawSync(Buffer.from("a\xff", "latin1"))), rsv: 4 };
    const half = "a".repeat(600);
    const cases = [
      [
        [text("", compressed)],
        { code: "WS_ERR_INVALID_UTF8", closeCode: 1007, rule: "RFC 6455 §8.1" },
        toRole(role, text("", compressed)).length,
      ],
      [
        [text(half, { fin: false }), continuation(utf8(half))],
        { code: "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", closeCode: 1009, rule: "maxMessage" },
        toRole(role, text(half)).length,
      ],
    ] as const;
    for (const [frames, found, byteOffset] of cases) {
      const limits = { maxMessage: 1000 };
      const protocol = new Protocol({ role, extensions: [perMessageDeflate()], limits });
      protocol.receive(toRole(role, ...frames));
      expect(protocol.error).toMatchObject({ name: "WebSocketError", ...found, byteOffset });
    }
  });
});
