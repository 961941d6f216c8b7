// Makes random cases.

import type { Random } from "../../support/random.ts";
import type { Call, CaseOptions, ConnectionCase, Finale, Listening, SentKind, Step, Wrote } from "./case.ts";
import { BAD_RULES } from "./peer.ts";
import { hasHandles } from "./sockets.ts";

const KINDS: readonly SentKind[] = ["text", "text", "binary", "binary", "prepared", "shared", "text bytes"];
const LISTENING: readonly Listening[] = ["on", "on", "loop", "loop", "property", "event"];
const FINALES: readonly Finale[] = [
  "close",
  "close",
  "peer",
  "both",
  "both",
  "fin",
  "reset",
  "terminate",
  "dead",
  "dead close",
];

interface Style {
  /** The usual length of messages. */
  readonly size: () => number;
  readonly compress: boolean;
}

function pickSize(random: Random): number {
  const kind = random.next();
  if (kind < 0.5) return random.integer(0, 40);
  if (kind < 0.8) return random.integer(0, 600);
  if (kind < 0.97) return random.integer(600, 9000);
  return random.integer(9000, 80_000);
}

export function generate(random: Random): ConnectionCase {
  const compress = random.chance(0.15);
  const kind = hasHandles() && random.chance(0.5) ? "net" : "duplex";
  const factor = random.pick([1, 1, 1, 4, 0.2]);
  const style = { size: () => Math.floor(pickSize(random) * factor), compress };
  const role = random.pick(["server", "client"] as const);
  const steps: Step[] = [];
  const early = random.chance(0.7);
  if (early) steps.push({ after: 0, calls: [{ call: "listen", how: random.pick(LISTENING) }] });
  const count = random.integer(1, random.pick([3, 6, 12]));
  for (let i = 0; i < count; i++) steps.push(makeStep(random, style));
  if (!early && random.chance(0.8)) {
    const listen: Step = {
      after: random.pick([0, 0, 5, 50]),
      calls: [{ call: "listen", how: random.pick(LISTENING) }],
    };
    steps.splice(random.integer(0, steps.length), 0, listen);
  }
  // Compressing this much in short slices would take minutes.
  if (random.chance(0.06) && !compress) bulk(random, steps);
  const eager = random.chance(0.2);
  const writev = random.chance(0.3);
  const clock = random.pick([0, 0, 0.001, 0.05, 0.7]);
  const capacity = random.pick([0, 1, 100, 4096, 65_536, 65_536, 1_000_000, 1_000_000]);
  const one: ConnectionCase = {
    role,
    socket: {
      kind,
      capacity,
      reads: random.pick([[65_536], [65_536], [524_288], [1], [1, 7, 65_536], [16_384], [100, 3000]]),
      mark: random.pick([16_384, 16_384, 0, 1, 65_536]),
      replies: random.pick(["now", "tick", "later"] as const),
      eager,
      // Node drops data that is written to a stream from inside its _writev().
      writev: writev && !eager,
      latency: capacity < 1000 ? 0 : random.pick([0, 0, 0, 1, 20]),
    },
    // Each slice reads the clock. Thousands of slices would take minutes.
    clock: compress ? Math.min(clock, 0.05) : clock,
    options: makeOptions(random),
    compress,
    peer: {
      pongs: random.chance(0.9),
      closes: random.chance(0.9),
      fins: random.chance(0.85),
      rate: random.chance(0.75) ? null : random.pick([5, 100, 2000, 6000]),
    },
    head: random.chance(0.12) ? random.pick([1, 5, 100_000]) : 0,
    on: {
      message: Array.from({ length: random.integer(0, 3) }, () => makeCalls(random, style, 0.5, 2)),
      ping: makeCalls(random, style, 0.2, 1),
      closing: makeCalls(random, style, 0.2, 2),
      error: random.chance(0.3) ? null : makeCalls(random, style, 0.2, 2),
      close: makeCalls(random, style, 0.2, 2),
      sent: makeCalls(random, style, 0.3, 2),
      callback: makeCalls(random, style, 0.2, 1),
    },
    waits: random.pick([[-1], [0], [0, -1], [1], [30], [0, 0, 20], [120, 0]]),
    steps,
    finale: random.pick(FINALES),
  };
  const special = random.next();
  if (special < 0.04) return slowly(one, random);
  if (special > 0.97) return full(one, random);
  if (special > 0.95) return replying(one, random);
  if (special > 0.93) return lingering(one, random);
  if (special > 0.91) return stalling(one, random);
  if (special > 0.89) return unheard(one, random);
  return special < 0.07 ? pinging(one, random) : one;
}

/** A peer that reads a lot of data slowly, and answers a Ping only when it has read that far. */
function slowly(one: ConnectionCase, random: Random): ConnectionCase {
  const time = random.pick([200, 300]);
  const send: Call = { call: "send", kind: "binary", size: random.pick([3_000_000, 6_000_000]) };
  const calls: Call[] = random.chance(0.5) ? [send] : [send, { call: "close", code: 1000 }];
  const peer = { ...one.peer, pongs: true, closes: true, fins: true, rate: 6000 };
  const { highWaterMark: _, overflow: __, idleTimeout: ___, fragmentSize: ____, ...rest } = one.options;
  return {
    ...one,
    compress: false,
    socket: { ...one.socket, capacity: random.pick([10_000, 65_536]), latency: 0 },
    options: { ...rest, pingInterval: time, pongTimeout: time, closeTimeout: time },
    peer,
    steps: [
      { after: 0, calls },
      // After the last step, the peer would read as fast as it can.
      { after: 1500, calls: [] },
    ],
    finale: "close",
  };
}

/** A peer that stops reading while a lot of data is sent, ends its side, and then reads the rest. */
function full(one: ConnectionCase, random: Random): ConnectionCase {
  const size = random.pick([300, 3000]);
  const sends = Array.from({ length: 30 }, (): Call => ({ call: "send", kind: "binary", size }));
  const end: Step[] = [{ after: 0, writes: [{ write: "close", code: 1000 }] }];
  return {
    ...one,
    socket: { ...one.socket, capacity: random.pick([100, 4096]), latency: 0 },
    peer: { ...one.peer, rate: null, fins: true },
    steps: [
      { after: 0, calls: [{ call: "listen", how: random.pick(LISTENING) }] },
      { after: 0, wire: "stop" },
      { after: 0, calls: sends },
      ...one.steps.slice(0, random.integer(0, 1)),
      ...end,
      ...(random.chance(0.5) ? [{ after: 0, wire: "fin" as const }] : []),
    ],
  };
}

/** An event loop that is blocked again and again, for longer than pongTimeout. */
function stalling(one: ConnectionCase, random: Random): ConnectionCase {
  const stalls = Array.from({ length: 8 }, (): Step => ({
    after: random.integer(1, 120),
    calls: [{ call: "block", for: 250 }],
  }));
  return {
    ...one,
    socket: { ...one.socket, latency: 20, capacity: 65_536, reads: [65_536] },
    options: { pingInterval: 100, pongTimeout: 100, closeTimeout: 300 },
    peer: { ...one.peer, pongs: true, rate: null },
    steps: stalls,
  };
}

/** More unread messages than the queue allows, followed by close(). */
function unheard(one: ConnectionCase, random: Random): ConnectionCase {
  const { pingInterval: _, pongTimeout: __, closeTimeout: ___, idleTimeout: ____, ...rest } = one.options;
  return {
    ...one,
    clock: 0,
    socket: { ...one.socket, capacity: 65_536 },
    options: { ...rest, highWaterMark: random.pick([0, 100, 1024]) },
    peer: { ...one.peer, closes: true, rate: null },
    steps: [
      { after: 0, writes: [{ write: "messages", kind: "text", size: 10, count: random.pick([3, 40, 200]) }] },
      { after: random.pick([0, 10, 250]), calls: [{ call: "close", code: 1000 }] },
    ],
  };
}

/** A server that closes but leaves the socket open. */
function lingering(one: ConnectionCase, random: Random): ConnectionCase {
  const { highWaterMark = 65_536 } = one.options;
  const peer = { ...one.peer, closes: true, fins: false, rate: null };
  const finale = random.pick(["close", "peer"] as const);
  return { ...one, role: "client", options: { highWaterMark }, peer, steps: one.steps.slice(0, 3), finale };
}

/** Many short requests in one chunk, and long replies. */
function replying(one: ConnectionCase, random: Random): ConnectionCase {
  const reply: Call = { call: "send", kind: random.pick(["binary", "text"] as const), size: random.pick([1000, 3000]) };
  const { overflow: _, discardUnread: __, idleTimeout: ___, ...rest } = one.options;
  // The peer may be gone before the last requests are delivered.
  const cut = random.chance(0.4);
  return {
    ...one,
    role: "server",
    compress: false,
    socket: { ...one.socket, ...(cut && { capacity: 4096, reads: [65_536] }) },
    options: { ...rest, highWaterMark: random.pick([0, 1024, 16_384]) },
    on: { ...one.on, message: [[reply]] },
    steps: [
      { after: 0, calls: [{ call: "listen", how: random.pick(LISTENING) }] },
      ...(cut ? [{ after: 0, wire: "stop" as const }] : []),
      { after: 0, writes: [{ write: "messages", kind: "text", size: 1, count: 200 }] },
      ...(cut ? [{ after: 30, wire: "reset" as const }] : one.steps.slice(0, 3)),
    ],
  };
}

/** A peer that sends Pings at an allowed rate, and a user who is sometimes busy. */
function pinging(one: ConnectionCase, random: Random): ConnectionCase {
  const block: Call = { call: "block", for: random.pick([250, 700]) };
  const wait: Step = {
    after: random.pick([50, 120]),
    calls: [random.chance(0.7) ? block : { call: "pause", for: 600 }],
  };
  return {
    ...one,
    head: 0,
    clock: 0,
    waits: [-1],
    socket: { ...one.socket, reads: [65_536] },
    options: { ...one.options, highWaterMark: 65_536, limits: { maxControlFrames: 20, controlPeriod: 100 } },
    steps: [{ after: 0, pings: 1, every: 25, times: 60 }, ...one.steps.slice(0, 2), wait, ...one.steps.slice(2)],
  };
}

function makeOptions(random: Random): CaseOptions {
  const times = random.pick([
    {},
    { pingInterval: 100, pongTimeout: 100, closeTimeout: 100 },
    { pingInterval: 300, pongTimeout: 300, closeTimeout: 300 },
    { pingInterval: 2000, pongTimeout: 1000, closeTimeout: 500 },
    { pingInterval: 500, pongTimeout: 250, closeTimeout: 1000 },
  ]);
  return {
    ...times,
    ...(random.chance(0.65) && { highWaterMark: random.pick([0, 1, 100, 1024, 1024, 16_384, 65_536]) }),
    ...(random.chance(0.15) && {
      overflow: random.pick(["drop", 1008, 1013] as const),
      maxBufferedAmount: random.pick([0, 100, 2000, 30_000]),
    }),
    ...(random.chance(0.3) && { sliceSize: random.pick([100, 500, 1000, 10_000]) }),
    ...(random.chance(0.15) && { fragmentSize: random.pick([20, 100, 5000]) }),
    ...(random.chance(0.08) && { discardUnread: true }),
    ...(random.chance(0.06) && { idleTimeout: random.pick([50, 300, 2000]) }),
    ...(random.chance(0.3) && { directReads: random.chance(0.5) }),
    ...(random.chance(0.3) && { directWrites: random.chance(0.5) }),
    ...(random.chance(0.1) && { textType: "nodebuffer" as const }),
    ...(random.chance(0.1) && { binaryType: "nodebuffer" as const }),
    ...(random.chance(0.05) && { autoPong: false }),
  };
}

function makeCalls(random: Random, style: Style, probability: number, most: number): Call[] {
  if (!random.chance(probability)) return [];
  return Array.from({ length: random.integer(1, most) }, () => makeCall(random, style));
}

function makeCall(random: Random, style: Style): Call {
  const compress = style.compress && random.chance(0.3) ? { compress: random.chance(0.5) } : {};
  const which = random.next();
  if (which < 0.5) {
    const size = style.size();
    return {
      call: "send",
      kind: random.pick(KINDS),
      size,
      ...(random.chance(0.25) && { callback: true }),
      ...(random.chance(0.1) && { copy: false }),
      ...(random.chance(0.1) && { fragmentSize: Math.max(random.pick([1, 50, 4000]), Math.ceil(size / 100)) }),
      ...compress,
    };
  }
  if (which < 0.55) {
    return { call: "parts", kind: random.pick(["text", "binary"] as const), sizes: sizes(random, style, 1) };
  }
  if (which < 0.67) {
    const parts = sizes(random, style, 0);
    return {
      call: "pieces",
      kind: random.pick(["text", "binary"] as const),
      sizes: parts,
      wait: random.pick([-1, 0, 0, 1, 15]),
      ...(random.chance(0.15) && { fails: random.integer(0, parts.length) }),
      ...(random.chance(0.5) && { reuses: true }),
      ...(random.chance(0.2) && { stream: true }),
      ...compress,
    };
  }
  if (which < 0.72) {
    return {
      call: random.pick(["ping", "pong"] as const),
      size: random.integer(0, 125),
      ...(random.chance(0.3) && { callback: true }),
    };
  }
  if (which < 0.79)
    return random.chance(0.3)
      ? { call: "close" }
      : { call: "close", code: random.pick([1000, 1001, 3000]), reason: "x" };
  if (which < 0.8) return { call: "terminate" };
  if (which < 0.84) return { call: "pause", for: random.pick([1, 30, 200]) };
  if (which < 0.86) return { call: "resume" };
  if (which < 0.88) return { call: "listen", how: random.pick(LISTENING) };
  if (which < 0.9) return { call: "unlisten" };
  if (which < 0.91) return { call: "leave" };
  if (which < 0.94) return { call: "drained" };
  if (which < 0.96) return { call: "throw" };
  if (which < 0.98) return { call: "invalid" };
  return { call: "block", for: random.pick([1, 60, 250, 700]) };
}

function sizes(random: Random, style: Style, least: number): number[] {
  return Array.from({ length: random.integer(least, 4) }, () => style.size());
}

function makeStep(random: Random, style: Style): Step {
  const after = random.pick([0, 0, 0, 0, 1, 10, 60, 250]);
  const which = random.next();
  if (which < 0.4) return { after, calls: Array.from({ length: random.integer(1, 5) }, () => makeCall(random, style)) };
  if (which < 0.88)
    return { after, writes: Array.from({ length: random.integer(1, 5) }, () => makeWrote(random, style)) };
  if (which < 0.93) return { after, takes: random.pick([1, 500, 20_000, 300_000]) };
  return { after, wire: random.pick(["stop", "stop", "go", "go", "fin", "fin", "reset", "mute"] as const) };
}

function makeWrote(random: Random, style: Style): Wrote {
  const which = random.next();
  const kind = random.pick(["text", "binary"] as const);
  if (which < 0.6) {
    const frames = random.chance(0.7) ? 1 : random.integer(2, 5);
    return {
      write: "message",
      kind,
      size: style.size(),
      frames,
      ...(style.compress && random.chance(0.7) && { compress: true }),
      ...(frames > 1 && random.chance(0.3) && { ping: true }),
    };
  }
  if (which < 0.75)
    return { write: "messages", kind, size: random.integer(0, 20), count: random.pick([3, 10, 40, 200]) };
  if (which < 0.84) return { write: "ping", size: random.integer(0, 125) };
  if (which < 0.88) return { write: "pong", size: random.integer(0, 125) };
  if (which < 0.95)
    return random.chance(0.2) ? { write: "close" } : { write: "close", code: random.pick([1000, 1001, 4000]) };
  return { write: "bad", rule: random.integer(0, BAD_RULES - 1) };
}

/** Cases that need a lot of data. */
function bulk(random: Random, steps: Step[]): void {
  const at = random.integer(0, steps.length);
  if (random.chance(0.5)) {
    const size = random.pick([200_000, 700_000, 2_500_000]);
    steps.splice(at, 0, { after: 0, calls: [{ call: "send", kind: "binary", size }] });
  } else {
    const size = random.pick([100_000, 400_000, 1_200_000]);
    steps.splice(at, 0, {
      after: 0,
      writes: [{ write: "message", kind: "binary", size, frames: random.integer(1, 3) }],
    });
  }
}
