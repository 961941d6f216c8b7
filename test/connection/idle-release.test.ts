// A connection that sends nothing for a while releases its compression context: the next message is compressed without
// it.

import { expect } from "vitest";
import { perMessageDeflate } from "../../src/index.ts";
import { sleep } from "./support/time.ts";
import { allWays, each, ROLES } from "./support/ways.ts";

const RELEASE_AFTER = 100;
const TEXT = Array.from({ length: 200 }, (_, i) => `${i * 7919}:${i ** 3}`).join();
const ways = allWays({ roles: ROLES });
const options = { extensions: [perMessageDeflate({ releaseAfter: RELEASE_AFTER })] };

each("the context is kept for the next message, and is gone after releaseAfter", ways, async (open) => {
  const { subject, peer } = await open({ options });
  const lengths = async (): Promise<number[]> => {
    await peer.take(peer.messages.length + 1);
    return peer.frames.map(({ payload }) => payload.length);
  };
  void subject.send(TEXT);
  await lengths();
  void subject.send(TEXT);
  const [first, second] = (await lengths()) as [number, number];
  expect(second).toBeLessThan(first / 4);
  // The context is released on the second tick of a timer that is already running.
  await sleep(3 * RELEASE_AFTER);
  void subject.send(TEXT);
  expect((await lengths()).at(-1)).toBe(first);
});

each("Infinity keeps it", ways, async (open) => {
  const { subject, peer } = await open({ options: { extensions: [perMessageDeflate({ releaseAfter: Infinity })] } });
  void subject.send(TEXT);
  await peer.take(1);
  await sleep(3 * RELEASE_AFTER);
  void subject.send(TEXT);
  await peer.take(2);
  const [first, second] = peer.frames.map(({ payload }) => payload.length) as [number, number];
  expect(second).toBeLessThan(first / 4);
});
