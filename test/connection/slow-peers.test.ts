// A peer that reads slowly is not cut, with or without a Close.

import { expect, vi } from "vitest";
import { close } from "../support/wire.ts";
import { fill } from "./support/fill.ts";
import type { Peer } from "./support/peer.ts";
import { end, IN_THE_END, sleep } from "./support/time.ts";
import { each, nodeWays, ROLES, streamsWays } from "./support/ways.ts";

// Each test moves many MiB. If all ran at once, the peers would be slower than intended.
vi.setConfig({ maxConcurrency: 6 });

const KIB = 1024;
/** The longest time without visible progress of the peer, in milliseconds. */
const PATIENCE = 1000;

/**
 * Reads a little at a time for longer than PATIENCE, then all the rest, because data in the system's buffers shows no
 * progress.
 */
async function takeSlowly(peer: Peer): Promise<void> {
  const began = performance.now();
  while (!peer.ended && performance.now() - began < 1.5 * PATIENCE) {
    await peer.takeSome(200 * KIB);
    await sleep(20);
  }
  expect([peer.close, peer.ended]).toEqual([undefined, false]);
  peer.line.resume();
}

for (const sender of ["whole", "pieces"] as const) {
  each(`one large message, ${sender}`, nodeWays({ roles: ROLES, senders: [sender] }), async (open) => {
    const { subject, peer } = await open({
      options: { pingInterval: PATIENCE / 2, pongTimeout: PATIENCE / 2 },
      begin: (subject) => subject.receive(() => {}),
    });
    peer.line.pause();
    const size = 32 * KIB * KIB;
    const sent = subject.answer(new Uint8Array(size));
    // The peer sends nothing in the meantime.
    await takeSlowly(peer);
    await peer.until(() => peer.messages.length === 1, "no message", IN_THE_END);
    expect(peer.messages[0]!.length).toBe(size);
    expect(await sent).toBe(true);
    expect(subject.connection.readyState).toBe(1);
  });
}

each("many messages before a Close", nodeWays({ roles: ROLES }), async (open) => {
  const { subject, peer } = await open({
    options: { closeTimeout: PATIENCE },
    begin: (subject) => subject.receive(() => {}),
  });
  // The system buffers some MiB below the socket, and reports room for more when a third is free.
  const accepted = await fill(subject, peer, 20_000);
  subject.close(4004);
  await takeSlowly(peer);
  await peer.until(() => peer.close !== undefined, "no Close", IN_THE_END);
  expect(peer.close).toBe("close:4004");
  expect(peer.messages.length).toBe(accepted());
  peer.write(close(4004));
  peer.line.end();
  expect(await end(subject)).toMatchObject({ code: 4004, wasClean: true });
});

// A message that waits in a writable has not been accepted: close() goes before it, but after accepted ones.
each("one large message before a Close", streamsWays({ roles: ROLES }), async (open) => {
  const { subject, peer } = await open({
    options: { closeTimeout: PATIENCE },
    begin: (subject) => subject.receive(() => {}),
  });
  peer.line.pause();
  const size = 32 * KIB * KIB;
  const sent = subject.send(new Uint8Array(size));
  await sleep(20);
  subject.close(4004);
  await takeSlowly(peer);
  await peer.until(() => peer.close !== undefined, "no Close", IN_THE_END);
  expect(peer.log).toEqual([`binary:${size}`, "close:4004"]);
  expect(await sent).toBe(true);
  peer.write(close(4004));
  peer.line.end();
  expect(await end(subject)).toMatchObject({ code: 4004, wasClean: true });
});
