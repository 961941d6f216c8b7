// All data that has arrived by the time of a check is read before the check.

import { once } from "node:events";
import { stat } from "node:fs";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { expect, test } from "vitest";
import { type Beating, startBeating, stopBeating } from "../../src/node/heartbeat.ts";
import { atEnd, until, watchLeftovers } from "./support/watch.ts";

watchLeftovers();

const INTERVAL = 10;

function block(time: number): void {
  for (const end = performance.now() + time; performance.now() < end;);
}

/** Both ends of a connection between two sockets of this process. */
async function socketPair(): Promise<[Socket, Socket]> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const one = connect((server.address() as AddressInfo).port, "127.0.0.1").setNoDelay();
  const [other] = (await once(server, "connection")) as [Socket];
  atEnd(() => {
    one.destroy();
    other.destroy();
    return new Promise<void>((done) => server.close(() => done()));
  });
  return [one, other];
}

/** Ways to block the event loop, one in each phase. The beat may be due in the same turn. */
const PHASES: Record<string, (go: () => void) => void> = {
  timers: (go) => go(),
  poll: (go) => stat(".", go),
  check: (go) => setImmediate(go),
};

test.each(Object.keys(PHASES))("a stall in the phase %s does not count against the peer", async (phase) => {
  const [one, other] = await socketPair();
  let writtenAt = Infinity;
  let received = 0;
  let written = 0;
  other.on("data", (chunk) => (received += chunk.length));
  const unread: number[] = [];
  let beats = 0;
  // An older timer with the same delay runs first, in the same phase as the beat.
  const timer = setInterval(
    () =>
      PHASES[phase]!(() => {
        one.write("x");
        written++;
        writtenAt = performance.now();
        block(50);
      }),
    INTERVAL,
  );
  const beating: Beating = {
    interval: INTERVAL,
    beat(now) {
      beats++;
      if (now > writtenAt + 1 && received < written) unread.push(now - writtenAt);
    },
  };
  startBeating(beating);
  await new Promise((done) => setTimeout(done, 300));
  // If every turn of the event loop stalls, the check comes late.
  await until(
    () => beats > 0,
    () => "no beat",
  );
  stopBeating(beating);
  clearInterval(timer);
  expect(unread).toEqual([]);
});
