// A connection with its socket, its peer and its user, which runs until there is nothing left to do.

import { AsyncResource } from "node:async_hooks";
import { type AgreedExtension, perMessageDeflate, Protocol } from "../../../src/index.ts";
import { Connection } from "../../../src/node/connection.ts";
import type { ConnectionOptions } from "../../../src/node/options.ts";
import type { Outcome } from "../target.ts";
import type { Call, ConnectionCase, Step } from "./case.ts";
import { judgeEnd, judgeInside, judgeRest } from "./judge.ts";
import { Peer, PERIOD } from "./peer.ts";
import { Scheduler } from "./scheduler.ts";
import { socketOver } from "./sockets.ts";
import { context, User, UserError } from "./user.ts";
import { Wire } from "./wire.ts";

/** A world that has been idle for this many milliseconds stays idle. */
const REST = 400;
/** If the clock advances by more than this many milliseconds at each reading, each step of a case takes time. */
const FINE = 0.05;
/** How long a loop may take to read its remaining messages, in milliseconds. */
const PATIENCE = 120_000;
/** The number of words that the decoy sends after each step. */
const DECOY = 200;
/** How long a client waits for the server to end the socket, in milliseconds. */
const LINGER = 1000;
const COMPRESSION: AgreedExtension = {
  extension: perMessageDeflate({ threshold: 64 }),
  parameters: [
    ["server_no_context_takeover", true],
    ["client_no_context_takeover", true],
  ],
};
const nowhere = new AsyncResource("WORLD");

export interface World {
  readonly one: ConnectionCase;
  readonly scheduler: Scheduler;
  readonly wire: Wire;
  readonly peer: Peer;
  readonly user: User;
  readonly decoy: Connection;
  /** Whether the peer may be cut off because it does not read all the time, or reads too slowly. */
  readonly slow: boolean;
}

export async function runCase(one: ConnectionCase): Promise<Outcome> {
  const scheduler = new Scheduler(one.clock);
  const uncaught: unknown[] = [];
  const rejections: unknown[] = [];
  const others = process.listeners("unhandledRejection");
  const onRejection = (error: unknown): void => void rejections.push(error);
  process.removeAllListeners("unhandledRejection");
  process.on("unhandledRejection", onRejection);
  process.setUncaughtExceptionCaptureCallback((error) => uncaught.push(error));
  // Resets the state that the connections of a thread share, so that a case does not depend on earlier ones.
  Reflect.deleteProperty(Protocol, "thread");
  const restore = scheduler.install();
  let world: World | undefined;
  let thrown: unknown;
  try {
    world = open(one, scheduler);
    await live(world);
  } catch (error) {
    thrown = error;
  } finally {
    await abandon(world, scheduler);
    restore();
    Reflect.deleteProperty(Protocol, "thread");
    process.setUncaughtExceptionCaptureCallback(null);
    process.off("unhandledRejection", onRejection);
    for (const listener of others) process.on("unhandledRejection", listener);
  }
  const findings = [...(world?.user.findings ?? [])];
  if (thrown !== undefined) findings.push(thrown instanceof Error ? (thrown.stack ?? String(thrown)) : String(thrown));
  const foreign = uncaught.filter((error) => !(error instanceof UserError));
  for (const error of foreign.slice(0, 2)) {
    findings.push(`an exception reached the process: ${error instanceof Error ? error.stack : String(error)}`);
  }
  if (rejections.length > 0) findings.push(`unhandled rejection: ${String(rejections[0])}`);
  const own = uncaught.length - foreign.length;
  if (world !== undefined && own !== world.user.thrown) {
    findings.push(`${own} of ${world.user.thrown} exceptions of handlers reached the process`);
  }
  const units = scheduler.ran + (world?.user.calls ?? 0);
  return { units, finding: findings.length === 0 ? undefined : findings.join("\n") };
}

/** Cleans up for the next case, even after a failure. */
async function abandon(world: World | undefined, scheduler: Scheduler): Promise<void> {
  world?.user.connection.terminate();
  world?.decoy.terminate();
  scheduler.forgive();
  await scheduler.run(100, () => false).catch(() => undefined);
}

function open(one: ConnectionCase, scheduler: Scheduler): World {
  const wire = new Wire(scheduler, one.socket.capacity, one.socket.reads);
  const peer = new Peer(one.role, scheduler, wire, one.peer, one.socket.latency, one.compress);
  // Another connection. It shares a timer and the output memory with the one under test, whose events must not run in
  // its context.
  const decoy = context.run("decoy", () => {
    const far = new Wire(scheduler, 65536, [65536]);
    far.readable = () => scheduler.poll(0, () => void far.take(Infinity));
    const socket = socketOver(far, scheduler, { ...one.socket, eager: false });
    return new Connection(socket, one.role, { protocol: undefined, extensions: [] }, new Uint8Array(), optionsOf(one));
  });
  const socket = nowhere.runInAsyncScope(() => socketOver(wire, scheduler, one.socket));
  const first = one.steps[0];
  const head =
    one.head > 0 && first !== undefined && "writes" in first ? peer.write(first.writes, one.head) : undefined;
  if (head !== undefined) wire.delivered += head.length;
  const extensions = one.compress ? [COMPRESSION] : [];
  const user = context.run("connection", () => {
    const connection = new Connection(
      socket,
      one.role,
      { protocol: undefined, extensions },
      head ?? new Uint8Array(),
      optionsOf(one),
    );
    return new User(connection, one, scheduler, wire, peer);
  });
  user.connection.once("close", () => decoy.terminate());
  const { end } = wire.receiver!;
  wire.receiver!.end = () => {
    user.finAt ??= scheduler.now;
    user.noteEnd();
    end();
  };
  return { one, scheduler, wire, peer, user, decoy, slow: isSlow(one) };
}

function optionsOf({ options }: ConnectionCase): ConnectionOptions {
  return options;
}

/** Whether the peer reads so slowly, or stops reading, that it may be cut off. */
function isSlow({ peer, options, steps, socket, clock }: ConnectionCase): boolean {
  const { closeTimeout = 10_000, pongTimeout = 20_000 } = options;
  const least = Math.min(closeTimeout, pongTimeout);
  const pause = Math.max(socket.latency, peer.rate === null ? 0 : PERIOD);
  const rate = Math.min(peer.rate ?? Infinity, Math.max(socket.capacity, 1) / pause);
  if (rate * least < 1_100_000) return true;
  // The peer reads again when all steps are done.
  const lasts = steps.reduce((sum, step) => sum + step.after + ("calls" in step ? blockedBy(step.calls) : 0), 0);
  return steps.some((step) =>
    "wire" in step && step.wire !== "stop"
      ? step.wire === "reset" || step.wire === "mute"
      : ("takes" in step || "wire" in step) && (clock > FINE || lasts > least / 3),
  );
}

function blockedBy(calls: readonly Call[]): number {
  return calls.reduce((sum, call) => sum + (call.call === "block" ? call.for : 0), 0);
}

async function live(world: World): Promise<void> {
  const { one, scheduler, user, peer } = world;
  for (const [index, step] of one.steps.entries()) {
    await scheduler.run(step.after, () => user.closes > 0);
    if (index === 0 && one.head > 0 && "writes" in step) continue;
    context.run("step", () => act(world, step));
    context.run("decoy", () => world.decoy.send("decoy ".repeat(DECOY)));
    await scheduler.run(0, () => false);
    if (user.connection.readyState !== 1) user.noteEnd();
    judgeInside(world);
  }
  // From now on, nothing slows the connection down.
  const muted = one.steps.some((step) => "wire" in step && step.wire === "mute");
  if (!muted) peer.hurry();
  user.settled = true;
  await rest(world);
  if (user.connection.readyState !== 1) user.noteEnd();
  if (user.paused > 0) context.run("step", () => user.call({ call: "resume" }, "step"));
  if (user.listening === undefined) context.run("step", () => user.call({ call: "listen", how: "on" }, "step"));
  await rest(world);
  if (user.closes === 0) judgeRest(world);
  if (user.closes === 0) context.run("step", () => finish(world));
  await scheduler.run(limitOf(world), () => user.closes > 0);
  // Run the events that follow the end.
  await scheduler.run(LINGER / 4, () => false);
  await scheduler.run(PATIENCE, () => user.loopsEnded === user.loops);
  judgeEnd(world);
  if (user.closes === 0) user.connection.terminate();
  // The user has timers of its own.
  await scheduler.run(PATIENCE, () => scheduler.timers === 0);
  if (scheduler.timers > 0) user.find(`${scheduler.timers} timers are left`);
}

function act(world: World, step: Step): void {
  const { user, peer } = world;
  if ("calls" in step) {
    for (const call of step.calls) user.call(call, "step");
  } else if ("writes" in step) {
    if (!peer.mute) peer.write(step.writes);
  } else if ("pings" in step) {
    peer.keepPinging(step.pings, step.every, step.times);
  } else if ("takes" in step) {
    peer.takes(step.takes);
  } else {
    switch (step.wire) {
      case "fin":
        peer.fin();
        break;
      case "reset":
        peer.reset();
        break;
      case "stop":
        peer.stop();
        break;
      case "go":
        peer.go();
        break;
      case "mute":
        peer.mute = true;
        break;
    }
  }
}

/** Runs until nothing but periodic work happens. */
async function rest(world: World): Promise<void> {
  const { scheduler, user } = world;
  for (let rounds = 0; rounds < 200; rounds++) {
    const before = progressOf(world);
    if (await scheduler.run(REST, () => user.closes > 0)) return;
    if (progressOf(world) === before) return;
  }
}

/** The state that changes while anything other than Pings and Pongs is in progress. */
function progressOf({ user, wire, peer }: World): string {
  const waiting = [wire.blocked ? wire.read : 0, wire.unread ? wire.delivered : 0, user.drained];
  return [
    user.delivered.length,
    peer.messages.length,
    user.sent.length,
    peer.units.length,
    user.pieces,
    // For a long message that is compressed in slices, nothing else may change.
    user.connection.bufferedAmount,
    ...waiting,
  ].join(" ");
}

/** Ends the connection if nothing else has ended it. */
function finish({ one, user, peer }: World): void {
  switch (one.finale) {
    case "close":
      user.call({ call: "close", code: 1000, reason: "over" }, "step");
      break;
    case "peer":
      peer.write([{ write: "close", code: 1000 }]);
      break;
    case "both":
      peer.write([{ write: "close", code: 1001 }]);
      peer.fin();
      break;
    case "fin":
      peer.fin();
      break;
    case "reset":
      peer.reset();
      break;
    case "terminate":
      user.call({ call: "terminate" }, "step");
      break;
    case "dead":
      peer.mute = true;
      break;
    case "dead close":
      peer.mute = true;
      user.call({ call: "close" }, "step");
      break;
  }
}

/** How long a connection may now take to end, in milliseconds, according to the documentation. */
function limitOf({ one, user, peer, wire }: World): number {
  const { pingInterval = 30_000, pongTimeout = 20_000, closeTimeout = 10_000 } = one.options;
  const { interval } = user.connection;
  let limit = LINGER + closeTimeout + 5 * interval + 200;
  // Before the Closes are done, closeTimeout may apply once more.
  if (user.connection.readyState !== 3) limit += closeTimeout;
  if (peer.mute || (!peer.sentClose && user.closeCalledAt === undefined)) limit += pingInterval + pongTimeout;
  // Unread bytes that the peer wrote earlier count as a sign of life when they are read.
  if (wire.unread || user.connection.socket.readableLength > 0) limit += pingInterval + pongTimeout;
  return limit;
}
