// A peer that has gone is noticed, whatever is unread or unsent. A peer that is alive is not cut, however slow it is.

import { expect, vi } from "vitest";
import { binary, ping, text } from "../support/wire.ts";
import { end, sleep, timed, within } from "./support/time.ts";
import { CONSUMERS, each, MARKS, nodeWays, ROLES } from "./support/ways.ts";

// The times are short, so a busy process must not look like a silent peer.
vi.setConfig({ maxConcurrency: 16 });

const ways = nodeWays({ roles: ROLES, marks: MARKS });
const plainWays = nodeWays({ roles: ROLES });

/** A peer that is silent for half a second is cut. */
const IMPATIENT = { pingInterval: 250, pongTimeout: 250, closeTimeout: 200 };
/** The longest time until the peer is cut, in milliseconds. The machine may be busy. */
const NOTICED = 2500;

each("a peer that answers nothing is cut", ways, async (open) => {
  const { subject, peer } = await open({
    options: IMPATIENT,
    begin: (subject) => subject.receive(() => {}),
  });
  expect(await timed(end(subject))).toBeLessThan(NOTICED);
  expect(await end(subject)).toMatchObject({ code: 1006, wasClean: false });
  expect(subject.connection.error).toMatchObject({ code: "WS_ERR_PONG_TIMEOUT" });
  expect(peer.log[0]).toBe("ping:");
});

each("a peer that answers Pings is not cut", ways, async (open) => {
  const { subject, peer } = await open({
    options: { pingInterval: 100, pongTimeout: 800 },
    begin: (subject) => subject.receive(() => {}),
  });
  let answered = 0;
  const until = performance.now() + 1300;
  while (performance.now() < until) {
    const pings = peer.log.filter((entry) => entry === "ping:").length;
    for (; answered < pings; answered++) peer.write({ opcode: 10 });
    await sleep(4);
  }
  expect(subject.connection.readyState).toBe(1);
  expect(answered).toBeGreaterThan(2);
});

for (const [name, act] of [
  ["is killed", "reset"],
  ["ends its side", "end"],
  ["falls silent", "nothing"],
] as const) {
  each(
    `without a listener, with more than the mark received, and the peer ${name}`,
    ways,
    async (open, { highWaterMark }) => {
      const { subject, peer } = await open({ options: IMPATIENT });
      for (let sent = 0; sent < highWaterMark + 100_000; sent += 50_000) peer.write(binary(new Uint8Array(50_000)));
      await sleep(50);
      if (act !== "nothing") peer.line[act]();
      // It only sends.
      const pushing = setInterval(() => void subject.send("news"), 20);
      try {
        expect(await timed(within(subject.closed, "the connection is open"))).toBeLessThan(NOTICED);
      } finally {
        clearInterval(pushing);
      }
      expect(await end(subject)).toMatchObject({ code: 1006, wasClean: false });
    },
  );

  each(`without a listener and without sending, and the peer ${name}`, plainWays, async (open, { highWaterMark }) => {
    const { subject, peer } = await open({ options: IMPATIENT });
    for (let sent = 0; sent < highWaterMark + 100_000; sent += 50_000) peer.write(binary(new Uint8Array(50_000)));
    await sleep(50);
    if (act !== "nothing") peer.line[act]();
    expect(await timed(within(subject.closed, "the connection is open"))).toBeLessThan(NOTICED);
    expect(await end(subject)).toMatchObject({ code: 1006, wasClean: false });
  });
}

each(
  "a handler that takes longer than the peer may be silent: the peer is not cut",
  nodeWays({ roles: ROLES, marks: MARKS, consumers: ["for await"] }),
  async (open) => {
    const got: unknown[] = [];
    const { subject, peer } = await open({
      options: IMPATIENT,
      begin: (subject) =>
        subject.receive(async (data) => {
          got.push(data.length);
          if (got.length === 1) await sleep(1000);
        }),
    });
    const answering = setInterval(() => peer.write({ opcode: 10 }), 40);
    try {
      for (let i = 0; i < 10; i++) peer.write(text("x".repeat(2000)));
      await peer.until(() => got.length === 10, `${got.length} of 10`);
    } finally {
      clearInterval(answering);
    }
    expect(subject.connection.readyState).toBe(1);
  },
);

const MIB = 1 << 20;

each("a peer that takes none of our data is cut", ways, async (open) => {
  const { subject, peer } = await open({
    options: IMPATIENT,
    begin: (subject) => subject.receive(() => {}),
  });
  peer.line.pause();
  subject.send(new Uint8Array(12 * MIB));
  expect(await timed(end(subject))).toBeLessThan(NOTICED);
  expect(await end(subject)).toMatchObject({ code: 1006, wasClean: false });
});

each(
  "Pings that had to wait do not count as too many",
  nodeWays({ roles: ROLES, marks: [0], consumers: CONSUMERS }),
  async (open) => {
    const { subject, peer } = await open({ options: { limits: { maxControlFrames: 30, controlPeriod: 100 } } });
    // Nothing is read while this message waits.
    peer.write(binary(new Uint8Array(70_000)), text("x"));
    await sleep(20);
    // The peer sends 10 Pings per 100 ms, for 600 ms.
    for (let i = 0; i < 60; i++) {
      peer.write(ping(String(i)));
      await sleep(9);
    }
    const got: unknown[] = [];
    subject.receive((data) => got.push(data));
    await peer.until(() => peer.log.includes("pong:59") || peer.ended, "no Pong");
    expect(peer.log).toContain("pong:59");
    expect(subject.connection.error).toBeUndefined();
    expect(subject.connection.readyState).toBe(1);
  },
);
