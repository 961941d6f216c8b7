// The properties that must hold for a connection at rest and at its end.

import { PROGRESS } from "./peer.ts";
import type { Sent } from "./user.ts";
import type { World } from "./world.ts";

/** Checks an open connection in which nothing happens any more: nothing may be waiting. */
export function judgeRest(world: World): void {
  const { one, user, wire, peer } = world;
  const { connection } = user;
  judgeSequences(world);
  if (peer.mute || peer.finSent || connection.readyState !== 1 || user.left) return;
  if (connection.bufferedAmount !== 0) user.find(`${connection.bufferedAmount} bytes are left at rest`);
  if (wire.unread) user.find("received bytes are never read");
  if (!wire.reading) user.find("the socket is not read at rest");
  if (user.drained !== user.drains) user.find(`${user.drained} of ${user.drains} drained() have resolved at rest`);
  if (!one.options.discardUnread) requireDelivered(world);
  requireSent(world, user.sent.length);
  const waiting = user.sent.filter(({ outcome }) => outcome === undefined).length;
  if (waiting > 0) user.find(`${waiting} messages in pieces do not end`);
  for (const { callback } of user.sent) {
    if (callback !== undefined && callback.called !== 1)
      user.find(`a callback was called ${callback.called} times at rest`);
    if (callback?.failed === true) user.find("a callback has failed at rest");
  }
  if (peer.pings < user.acceptedPings) user.find(`${peer.pings} of ${user.acceptedPings} pings arrived at rest`);
  if (user.pingEvents !== peer.units.filter(({ what }) => what === "ping").length) {
    user.find(`${user.pingEvents} ping events at rest`);
  }
}

export function judgeEnd(world: World): void {
  const { user, wire, peer, one } = world;
  const { connection } = user;
  if (user.closes === 0) {
    user.find("the connection does not end");
    return;
  }
  if (user.closes > 1) user.find('"close" was emitted twice');
  if (user.closed === undefined) user.find("`closed` has not resolved");
  else if (JSON.stringify(user.closed) !== JSON.stringify(user.ending)) user.find("`closed` differs from the event");
  if (user.loopsEnded !== user.loops) user.find("a loop has not ended");
  if (user.drained !== user.drains) user.find(`${user.drained} of ${user.drains} drained() have resolved`);
  if (connection.readyState !== 3) user.find(`readyState is ${connection.readyState} at the end`);
  if (user.ending !== undefined && connection.ending?.code !== user.ending.code)
    user.find("`ending` differs from the event");
  judgeSequences(world);
  judgeCallbacks(world);
  for (const { source } of user.sent) if (source !== undefined && !source.over) user.find("a source was not closed");
  for (const source of user.refusedSources) if (!source.over) user.find("a refused source was not closed");
  for (const { outcome } of user.sent) if (outcome === undefined) user.find("the promise of pieces has not settled");
  judgeError(world);
  judgeClosing(world);
  requireDecoded(world);
  if (peer.afterClose) user.find("something was written after the Close");
  const wasCut = user.terminated || wire.reset || peer.mute || world.slow;
  if (wasCut) return;
  if (!wire.aborted || wire.read >= wire.taken) requireAnswers(world);
  const { idleTimeout } = one.options;
  if (one.role === "client" && idleTimeout === undefined) judgeLinger(world);
}

/** A Close of the peer must be noticed within this many milliseconds. */
const SEEN = 100;

/**
 * After close(), the peer's Close must be noticed as soon as it arrives, even with unread data. Progress extends the
 * time.
 */
function judgeClosing({ user, peer, wire, one }: World): void {
  const { closeCalledAt, closingAt = Infinity, closedAt } = user;
  if (closeCalledAt === undefined || closedAt === undefined || user.terminated || wire.reset) return;
  const { closeTimeout = 10_000, idleTimeout } = one.options;
  const { closeAt, closeArrivedAt } = peer;
  // A pause or a running loop delays the Close. Inflating takes several turns.
  const hindered =
    user.connection.error !== undefined ||
    user.pauses > 0 ||
    user.loops > 0 ||
    user.blocks > 0 ||
    one.compress ||
    one.clock > 0.05;
  if (
    !hindered &&
    closeAt !== undefined &&
    closeArrivedAt !== undefined &&
    peer.units.every(({ what }) => what !== "bad")
  ) {
    const due = Math.max(closeAt, closeArrivedAt, closeCalledAt) + SEEN;
    if (closingAt > due && closedAt > due) user.find("the answer to our Close has arrived but is not noticed");
  }
  if (user.connection.error !== undefined || idleTimeout !== undefined || user.ending?.wasClean === true) return;
  if (wire.endDelivered || closedAt - closeCalledAt > 29 * closeTimeout || user.blocks > 0) return;
  const taken = peer.takenSince(closedAt - closeTimeout, 2 * user.connection.interval);
  if (taken > PROGRESS) user.find(`a peer that has taken ${taken} bytes after our close() was cut off`);
}

/** After both Closes, a server that does not end the stream has one second. */
function judgeLinger({ user, peer, one }: World): void {
  if (user.closingAt === undefined || peer.closeAt === undefined || user.closedAt === undefined) return;
  if (user.blocks > 0) return;
  const waited = user.closedAt - Math.max(user.closingAt, peer.closeAt);
  if (waited > 1000 + 3 * one.socket.latency + 100) user.find(`a client waited ${waited} ms for the server's end`);
}

/** Checks the amount of waiting data while the case runs. */
export function judgeInside({ user, peer, one }: World): void {
  const { connection } = user;
  if (connection.readyState !== 1 || peer.finSent || user.mayHaveClosed) return;
  const { highWaterMark = 1048576, discardUnread = false } = one.options;
  // The data that a pause holds back is already partly decoded.
  if (discardUnread || user.left || connection.endpoint.heldBytes > 0) return;
  let waiting = 0;
  let largest = 0;
  let index = 0;
  const isBytes = one.options.textType === "nodebuffer";
  for (const { what, kind, payload, end } of peer.units) {
    if (what !== "message") continue;
    if (end > connection.endpoint.bytesReceived) break;
    // A string counts one byte for each UTF-16 code unit.
    const { length } = kind === "binary" || isBytes ? payload : payload.toString();
    largest = Math.max(largest, length);
    if (index++ >= user.delivered.length) waiting += length + 64;
  }
  if (waiting > highWaterMark + largest + 64) user.find(`${waiting} bytes of messages are unread`);
}

/** All decoded messages must have been delivered if there was a listener. */
function requireDecoded({ user, peer, one }: World): void {
  if (one.options.discardUnread || user.listening === undefined || user.listening === "loop") return;
  if (user.terminated || user.left || user.mayHaveClosed || user.deaf) return;
  if (isOwnLimit(user.connection.error)) return;
  const { bytesReceived } = user.connection.endpoint;
  let decoded = 0;
  for (const { what, end } of peer.units) {
    if (what === "close" || what === "bad" || end > bytesReceived) break;
    if (what === "message") decoded++;
  }
  if (user.delivered.length < decoded)
    user.find(`${user.delivered.length} of ${decoded} messages were delivered by the end`);
}

/** All accepted messages must have been sent before a clean end. */
function requireAnswers(world: World): void {
  const { user, peer, one } = world;
  if (isOwnLimit(user.connection.error)) return;
  // An unfinished message holds up later messages until it is abandoned.
  const broken = user.sent.findIndex(({ outcome }) => outcome !== "sent");
  let count = broken < 0 ? user.sent.length : broken;
  if (user.ending?.wasClean !== true) {
    const sliced = user.sent.findIndex(({ sliced, form }) => sliced || form === "pieces");
    if (sliced >= 0) count = Math.min(count, sliced);
  }
  requireSent(world, count);
  if (one.options.idleTimeout !== undefined) return;
  if (!peer.sentClose || wasLate(world)) return;
  if (user.closeCalledAt !== undefined && user.ending?.wasClean !== true && user.pauses === 0 && !peerWasBad(world)) {
    user.find("the answer to our Close was not noticed");
  }
  if (peer.close === undefined && user.ending?.wasClean === true && !user.left)
    user.find("the peer's Close was not answered");
  if (!one.options.discardUnread && user.listening !== "loop" && !user.deaf && !user.left) requireDelivered(world);
}

/** Whether the peer and the user had used up closeTimeout after our Close. */
function wasLate({ user, peer, one }: World): boolean {
  if (user.closedAt === undefined || !user.mayHaveClosed) return false;
  const { closeTimeout = 10_000 } = one.options;
  // The connection may have closed by itself. If the time is unknown, the connection gets the benefit of the doubt.
  const begunAt = Math.min(user.closeCalledAt ?? Infinity, peer.closeAt ?? Infinity);
  return user.pauses > 0 || begunAt === Infinity || user.closedAt - begunAt >= closeTimeout;
}

function peerWasBad({ peer }: World): boolean {
  return peer.units.some(({ what }) => what === "bad");
}

function requireSent({ user, peer }: World, count: number): void {
  const wanted = user.sent.slice(0, count).filter(({ outcome }) => outcome === "sent");
  if (peer.messages.length < wanted.length) {
    const missing = wanted[peer.messages.length]!;
    user.find(`only ${peer.messages.length} of ${wanted.length} messages were sent; message ${missing.id} is missing`);
  }
}

/** All messages before the peer's Close, or before a protocol error, must have been delivered. */
function requireDelivered({ user, peer, wire }: World): void {
  let wanted = 0;
  for (const { what, end } of peer.units) {
    if (what === "close" || what === "bad" || end > wire.delivered) break;
    if (what === "message") wanted++;
  }
  if (user.delivered.length < wanted) user.find(`${user.delivered.length} of ${wanted} messages were delivered`);
}

/** Nothing may be duplicated, reordered, changed or invented, in either direction. */
function judgeSequences({ user, peer, one }: World): void {
  if (peer.wrong !== undefined) user.find(peer.wrong);
  judgeOutgoing(user.sent, peer.messages, (what) => user.find(what));
  const messages = peer.units.filter(({ what }) => what === "message");
  // Some messages may have been dropped.
  const lossy = one.options.discardUnread === true || user.mayHaveClosed;
  const isBytes = one.options.textType === "nodebuffer";
  let at = 0;
  for (const [index, { data, text }] of user.delivered.entries()) {
    const fits = (i: number): boolean => {
      const unit = messages[i]!;
      return unit.payload.equals(data) && (isBytes || (unit.kind === "text") === text);
    };
    if (lossy) while (at < messages.length && !fits(at)) at++;
    if (at >= messages.length || !fits(at)) {
      user.find(`the delivered message ${index} is not message ${at}: ${data.toString("latin1", 0, 20)}`);
      return;
    }
    at++;
  }
  const last = peer.units.findIndex(({ what }) => what === "close" || what === "bad");
  if (last >= 0 && at > peer.units.slice(0, last).filter(({ what }) => what === "message").length) {
    user.find("a message from after the end was delivered");
  }
}

function judgeOutgoing(
  sent: readonly Sent[],
  received: readonly { readonly text: boolean; readonly payload: Buffer }[],
  find: (what: string) => void,
): void {
  let at = 0;
  for (const [index, { text, payload }] of received.entries()) {
    while (at < sent.length && (sent[at]!.outcome === "not sent" || sent[at]!.outcome === "failed")) at++;
    const expected = sent[at++];
    if (expected === undefined || expected.text !== text || !expected.data().equals(payload)) {
      const what = expected === undefined ? "none" : `message ${expected.id} of ${expected.size}`;
      find(
        `message ${index} at the peer, ${payload.length} bytes, ${payload.toString("latin1", 0, 20)}, is not ${what}`,
      );
      return;
    }
  }
}

function judgeCallbacks({ user, peer }: World): void {
  let index = 0;
  for (const { callback, outcome } of user.sent) {
    const received = outcome === "sent" ? peer.messages[index++] : undefined;
    if (callback === undefined) continue;
    if (callback.called !== 1) user.find(`a callback was called ${callback.called} times`);
    else if (!callback.failed && received !== undefined && callback.taken < received.end) {
      user.find(`a callback was called when the system had ${callback.taken} of ${received.end} bytes`);
    }
  }
  for (const { called } of user.controls)
    if (called !== 1) user.find(`the callback of a ping was called ${called} times`);
}

/** A protocol error of the peer must be reported. */
function judgeError(world: World): void {
  const { user, peer, wire } = world;
  const { error } = user.connection;
  if (codeOf(error) === "WS_ERR_TOO_MANY_CONTROL_FRAMES") user.judgeControls();
  if (user.error !== undefined && user.error !== error) user.find("`error` is not that of the event");
  const first = peer.units.find(({ what }) => what === "close" || what === "bad");
  if (first?.what !== "bad" || first.end > wire.delivered || user.terminated || wire.reset || user.pauses > 0) return;
  if (wasLate(world)) return;
  if (error === undefined) user.find("a protocol error is not reported");
}

/** Whether the connection ended for a reason other than an invalid frame. */
function isOwnLimit(error: Error | undefined): boolean {
  return ["WS_ERR_PONG_TIMEOUT", "WS_ERR_TOO_MANY_CONTROL_FRAMES"].includes(String(codeOf(error)));
}

function codeOf(error: Error | undefined): unknown {
  return error !== undefined && "code" in error ? error.code : undefined;
}
