// Measures the cost of a pause. Separate from pausing.test.ts, because it is slow.

import { describe, expect, test } from "vitest";
import { type MessageSink, perMessageDeflate, Protocol } from "../../src/index.ts";
import { concat } from "../reference/serialize.ts";
import { CORES, other, ROLES, text, toRole } from "../support/wire.ts";

/** Records each text, and pauses after it. */
function pausing(protocol: Protocol): { seen: string[]; sink: MessageSink } {
  const seen: string[] = [];
  const ignored = (): void => {};
  const sink: MessageSink = {
    text(data) {
      seen.push(data);
      protocol.pause();
    },
    binary: ignored,
    ping: ignored,
    pong: ignored,
    error: ignored,
    close: ignored,
  };
  return { seen, sink };
}

test("the cost of resume() does not grow with the number of kept chunks", () => {
  const protocol = new Protocol({ role: "server" });
  const { seen, sink } = pausing(protocol);
  protocol.pause();
  // Each chunk has the end of a frame and the start of the next.
  const stream = toRole("server", ...Array.from({ length: 20_000 }, (_, i) => text(String(i % 10))));
  for (let at = 0; at < stream.length; at += 5) protocol.push(stream.subarray(at, at + 5), sink);
  // Processor time, so other processes do not count.
  const before = process.cpuUsage();
  let held = protocol.heldBytes;
  let hasGrown = false;
  while (protocol.paused) {
    protocol.resume(sink);
    hasGrown ||= protocol.heldBytes > held;
    held = protocol.heldBytes;
  }
  const { user, system } = process.cpuUsage(before);
  // Moving all chunks each time would take several seconds.
  expect((user + system) / 1000).toBeLessThan(2000);
  expect([hasGrown, held]).toEqual([false, 0]);
  expect(seen).toEqual(Array.from({ length: 20_000 }, (_, i) => String(i % 10)));
});

describe.each(ROLES)("role %s", (role) => {
  test.each(CORES)("pause() stops a compressed chunk before it inflates further: %s core", (core) => {
    const peer = new Protocol({ role: other(role), extensions: [perMessageDeflate()] });
    const big = "x".repeat(1_000_000);
    for (let i = 0; i < 30; i++) peer.send(big, { compress: true });
    const chunk = concat(peer.take());
    expect(chunk.length).toBeLessThan(65536);
    const protocol = new Protocol({ role, core, extensions: [perMessageDeflate()] });
    const { seen, sink } = pausing(protocol);
    protocol.push(chunk, sink);
    expect(seen).toHaveLength(1);
    expect(protocol.heldBytes).toBeLessThan(2 * chunk.length + 1024);
    for (let i = 1; i < 30; i++) protocol.resume(sink);
    expect(seen).toHaveLength(30);
    expect(seen.every((event) => event === big)).toBe(true);
  });
});
