// Tests against the server and the client of Python's websockets over loopback.

import { describe, expect, test } from "vitest";
import { perMessageDeflate } from "../../src/index.ts";
import { ROLES } from "../support/wire.ts";
import { suite } from "./suite.ts";
import { open, pythonWith } from "./support.ts";

const script = "websockets_peer.py";
const python = pythonWith("websockets.legacy.server", "python3-websockets");

describe.skipIf(python === undefined)("websockets", () => {
  suite({
    script,
    python: python!,
    pingsBreakInflating: false,
    // It agrees to 8, but then Python's zlib refuses to compress with it.
    leastBits: 9,
    tellsPings: false,
  });

  test.each(ROLES)("a window of 8 for our messages, as %s", async (role) => {
    const options = role === "server" ? { serverMaxWindowBits: 8 } : { clientMaxWindowBits: 8 };
    const extensions = [perMessageDeflate({ threshold: 0, ...options })];
    const { ours } = await open(python!, script, role, { extensions, theirs: {} });
    expect(ours.extensions).toContain(`${role}_max_window_bits=8`);
    for (let i = 0; i < 50; i++) {
      const text = `${i} `.repeat(i * 20);
      ours.send(text);
      expect(await ours.messages.next()).toBe(text);
    }
  });
});
