// How each layer sends and receives a close code, compared with the list of RFC 6455 §7.4 and the registry of IANA.

import { expect } from "vitest";
import { FrameDecoder, FrameEncoder, Protocol, type Role, WebSocketError } from "../../../src/index.ts";
import { serialize } from "../../reference/serialize.ts";
import { close, short, toRole, writtenShort } from "../../support/wire.ts";
import { framesOf, openNode, openStreams, turn } from "../../support/connections.ts";

/** The registered codes, except 1004 to 1006 and 1015, which must not be sent. */
const REGISTERED: ReadonlySet<number> = new Set([
  1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014,
]);

export function isValid(code: number): boolean {
  return REGISTERED.has(code) || (code >= 3000 && code <= 4999);
}

export const EVERY_CODE: readonly number[] = Array.from({ length: 65_536 }, (_, code) => code);
export const VALID: readonly number[] = EVERY_CODE.filter(isValid);

/** Codes around the ends of each range, and some in between. */
export const SOME: readonly number[] = EVERY_CODE.filter(
  (code) => [0, 1000, 1015, 3000, 4000, 5000, 65_535].some((end) => Math.abs(code - end) <= 8) || code % 2048 === 1000,
);

const SINK = { header() {}, payload() {}, end() {} };
const KEY = [0x37, 0xfa, 0x21, 0x3d];
const UNREADABLE: readonly string[] = ["close:1006: not clean"];

/** A matcher for millions of values takes far longer than the code under test. */
function same(actual: unknown, expected: unknown, label: string): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) expect(actual, label).toEqual(expected);
}

function throwsRangeError(act: () => void, label: string): void {
  try {
    act();
  } catch (error) {
    if (error instanceof RangeError) return;
    throw error;
  }
  expect.fail(`${label}: not refused`);
}

export function encoded(role: Role, core: "wasm" | "portable", codes: readonly number[]): void {
  const encoder = new FrameEncoder({ role, core, maskKey: Uint8Array.from(KEY) });
  for (const code of codes) {
    if (!isValid(code)) {
      throwsRangeError(() => encoder.close(code), `${code}`);
      same(encoder.isEmpty, true, `${code}`);
      continue;
    }
    encoder.close(code, "x");
    const expected = serialize({ ...close(code, "x"), maskKey: role === "client" ? KEY : undefined });
    if (Buffer.compare(Buffer.concat(encoder.take()), expected) !== 0) expect.fail(`${code} is encoded wrongly`);
  }
}

/** @param at where to cut the frame into two chunks, for example at the second byte of its payload */
export function decoded(role: Role, core: "wasm" | "portable", codes: readonly number[], at: number): void {
  const end = toRole(role, close(1000)).length;
  for (const code of codes) {
    const decoder = new FrameDecoder({ role, core });
    const bytes = toRole(role, close(code));
    let found = "accepted";
    try {
      decoder.push(bytes.subarray(0, at), SINK);
      decoder.push(bytes.subarray(at), SINK);
    } catch (error) {
      if (!(error instanceof WebSocketError)) throw error;
      found = `${error.code} ${error.value} ${error.byteOffset}`;
    }
    same(found, isValid(code) ? "accepted" : `WS_ERR_INVALID_CLOSE_CODE ${code} ${end - 1}`, `${core}, ${code}`);
    same(decoder.closed, isValid(code), `${core}, ${code}`);
  }
}

/** A received code: the event and the answer. */
export function received(role: Role, codes: readonly number[]): void {
  const at = toRole(role, close(1000)).length - 1;
  for (const code of codes) {
    const protocol = new Protocol({ role });
    const events = short(protocol.receive(toRole(role, close(code))));
    const answer = writtenShort(protocol, role);
    if (isValid(code)) {
      same([events, answer], [[`close:${code}:`], [`close:${code}:`]], `${code}`);
    } else {
      same(events, [`error:WS_ERR_INVALID_CLOSE_CODE@${at}`, ...UNREADABLE], `${code}`);
      same(answer[0]!.slice(0, 11), "close:1002:", `${code}`);
    }
    same(protocol.state, "closed", `${code}`);
  }
}

/** A code in the answer to our Close. An invalid one is no error then. */
export function answered(role: Role, codes: readonly number[]): void {
  for (const code of codes) {
    const protocol = new Protocol({ role });
    protocol.close(1000);
    const events = short(protocol.receive(toRole(role, close(code))));
    same(events, isValid(code) ? [`close:${code}:`] : UNREADABLE, `${code}`);
    same(protocol.error?.code, isValid(code) ? undefined : "WS_ERR_INVALID_CLOSE_CODE", `${code}`);
  }
}

/** A code sent by close(), first or as the answer, and by fail(). */
export function sent(role: Role, codes: readonly number[]): void {
  for (const code of codes) {
    const first = new Protocol({ role });
    const second = new Protocol({ role });
    second.receive(toRole(role, close(1001)));
    for (const protocol of [first, second]) {
      const { state } = protocol;
      if (isValid(code)) {
        protocol.close(code, "x");
        same(writtenShort(protocol, role), [`close:${code}:x`], `${code}`);
      } else {
        throwsRangeError(() => protocol.close(code), `${code}`);
        same(protocol.state, state, `${code}`);
      }
    }
    if (!isValid(code)) same(writtenShort(second, role), ["close:1001:"], `${code}`);
    const failing = new Protocol({ role });
    failing.fail(new WebSocketError("WS_ERR_INTERNAL", "x", { closeCode: code, byteOffset: 0, rule: "none" }));
    same(writtenShort(failing, role), [`close:${isValid(code) ? code : 1011}:x`], `${code}`);
  }
}

/** A code sent by close() of a Connection of Node, first or as the answer. */
export async function sentByNode(role: Role, codes: readonly number[]): Promise<void> {
  const open = openNode(role);
  for (const code of codes) {
    if (isValid(code)) continue;
    throwsRangeError(() => open.connection.close(code), `${code}`);
    same(open.connection.readyState, 1, `${code}`);
  }
  await inTurns(codes.filter(isValid), async (code) => {
    const { connection, peer } = openNode(role);
    connection.on("closing", () => connection.close(code, "ours"));
    await turn();
    peer.write(close(4999, "theirs"));
    const other = openNode(role);
    other.connection.close(code, "ours");
    await turn();
    for (const each of [connection, other.connection]) each.terminate();
    same(framesOf(role, peer.written), [`close:${code}:ours`], `${code}`);
    same(framesOf(role, other.peer.written), [`close:${code}:ours`], `${code}`);
    same(await connection.closed, { code: 4999, reason: "theirs", wasClean: true }, `${code}`);
    same(await other.connection.closed, { code: 1006, reason: "", wasClean: false }, `${code}`);
  });
  await turn();
  same(open.peer.written.length, 0, "an invalid code");
  open.connection.terminate();
}

export async function receivedByNode(role: Role, codes: readonly number[]): Promise<void> {
  await inTurns(codes, async (code) => {
    const { connection, peer } = openNode(role);
    const seen: string[] = [];
    connection.on("closing", (code, reason) => seen.push(`closing:${code}:${reason}`));
    connection.on("error", () => seen.push("error"));
    connection.on("close", (code, reason, wasClean) => seen.push(`close:${code}:${reason}:${wasClean}`));
    await turn();
    peer.write(close(code, "x"));
    peer.end();
    const ending = await connection.closed;
    if (isValid(code)) {
      same(ending, { code, reason: "x", wasClean: true }, `${code}`);
      same(seen, [`closing:${code}:x`, `close:${code}:x:true`], `${code}`);
      same(framesOf(role, peer.written), [`close:${code}:`], `${code}`);
    } else {
      same(ending, { code: 1006, reason: "", wasClean: false }, `${code}`);
      same(seen, ["error", "close:1006::false"], `${code}`);
      same(framesOf(role, peer.written)[0]!.slice(0, 11), "close:1002:", `${code}`);
    }
  });
}

/** A code sent by close() and by an abort of the writable. */
export async function sentByStreams(role: Role, codes: readonly number[]): Promise<void> {
  const open = openStreams(role);
  for (const closeCode of codes) {
    if (!isValid(closeCode)) throwsRangeError(() => open.pair.close({ closeCode }), `${closeCode}`);
  }
  await turn();
  same(open.peer.written.length, 0, "an invalid code");
  await inTurns(codes, async (closeCode) => {
    const closing = isValid(closeCode) ? openStreams(role) : open;
    if (closing !== open) closing.pair.close({ closeCode, reason: "x" });
    const aborting = openStreams(role);
    void aborting.pair.writable.abort({ closeCode, reason: "x" }).catch(() => {});
    await turn();
    const expected = isValid(closeCode) ? [`close:${closeCode}:x`] : ["close"];
    if (closing !== open) same(framesOf(role, closing.peer.written), expected, `${closeCode}`);
    same(framesOf(role, aborting.peer.written), expected, `${closeCode}`);
    for (const { peer } of [closing, aborting]) if (peer !== open.peer) peer.reset();
  });
  open.peer.reset();
}

export async function receivedByStreams(role: Role, codes: readonly number[]): Promise<void> {
  await inTurns(codes, async (code) => {
    const { pair, peer } = openStreams(role);
    // With nothing left to read, our Close need not wait.
    void pair.readable
      .getReader()
      .read()
      .catch(() => {});
    await turn();
    peer.write(close(code, "x"));
    peer.end();
    const ending = await pair.closed.catch((error: { readonly closeCode: number }) => error.closeCode);
    same(ending, isValid(code) ? { closeCode: code, reason: "x" } : 1006, `${code}`);
    if (isValid(code)) same(framesOf(role, peer.written), [`close:${code}:`], `${code}`);
    else same(framesOf(role, peer.written)[0]!.slice(0, 11), "close:1002:", `${code}`);
  });
}

/** The number of connections that share turns of the event loop. */
const TOGETHER = 256;

async function inTurns(codes: readonly number[], run: (code: number) => Promise<void>): Promise<void> {
  for (let at = 0; at < codes.length; at += TOGETHER) await Promise.all(codes.slice(at, at + TOGETHER).map(run));
}
