// Tests against wsproto in both roles over loopback.

import { describe, expect, test } from "vitest";
import { perMessageDeflate } from "../../src/index.ts";
import { suite } from "./suite.ts";
import { open, pythonWith } from "./support.ts";

const script = "wsproto_peer.py";
const python = pythonWith("wsproto", "python3-wsproto");

describe.skipIf(python === undefined)("wsproto", () => {
  suite({
    script,
    python: python!,
    // After a Ping, wsproto forgets that the message is compressed.
    pingsBreakInflating: true,
    // See below.
    leastBits: 9,
    tellsPings: true,
  });

  test("it declines a window of 8 and accepts the fallback offer", async () => {
    const declined = await open(python!, script, "client", {
      extensions: [perMessageDeflate({ serverMaxWindowBits: 8 })],
      theirs: {},
    });
    expect(declined.ours.extensions).toBe("");
    const { ours } = await open(python!, script, "client", {
      extensions: [perMessageDeflate({ serverMaxWindowBits: 8, threshold: 0, fallback: true })],
      theirs: {},
    });
    expect(ours.extensions).toMatch(/^permessage-deflate/);
    ours.send("hello hello hello");
    expect(await ours.messages.next()).toBe("hello hello hello");
  });

  test("it corrupts our compressed message if there is a Ping between the fragments", async () => {
    const { ours } = await open(python!, script, "client", {
      extensions: [perMessageDeflate({ threshold: 0 })],
      theirs: {},
    });
    ours.sendFragments(["aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"]);
    // When wsproto handles this correctly, set pingsBreakInflating above to false.
    const outcome = await Promise.race([ours.messages.next(), ours.closed]);
    expect(outcome).not.toBe("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb");
  });
});
