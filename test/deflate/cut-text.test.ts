// Text that ends inside a character, in a message that inflates to several pieces.

import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { perMessageDeflate, Protocol } from "../../src/index.ts";
import { ROLES, text, toRole } from "../support/wire.ts";

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
});
