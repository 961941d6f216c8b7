// A peer that takes what it is sent slowly is not cut, with or without a Close.

import { expect, vi } from "vitest";
import { close } from "../support/wire.ts";
import { fill } from "./support/fill.ts";
import type { Peer } from "./support/peer.ts";
import { end, IN_THE_END, sleep } from "./support/time.ts";
import { each, nodeWays, ROLES, streamsWays } from "./support/ways.ts";

// Each moves many MiB: all at once they would be slower than they are meant to be.
vi.setConfig({ maxConcurrency: 6 });

const KIB = 1024;
/** How long nobody may see the peer take anything. */
const PATIENCE = 1000;

/** For longer than that the peer takes a little at a time; then all the rest, since nobody sees it take what the system holds. */
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
    // It says nothing meanwhile.
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
  // What is below the socket takes some MiB, and tells of room for more when a third is free.
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

// What waits in a writable has not been accepted: close() goes before it, but after what has.
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
