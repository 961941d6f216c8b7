// Compares the implementation with ws.d.cts, which is written by hand. The tests of the published types compile programs against
// it.

import type { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import * as theirs from "ws";
import * as ours from "../../src/ws/index.ts";
import type Declared from "../../src/ws/ws.cjs";

/** The names of the members that an implementation lacks, or declares with another type. Members of EventEmitter are left out. */
type Differing<D, I> = {
  [K in Exclude<keyof D, keyof EventEmitter>]: K extends keyof I ? (Pick<I, K> extends Pick<D, K> ? never : K) : K;
}[Exclude<keyof D, keyof EventEmitter>];

type IsSame<A, B> = [A, B] extends [B, A] ? true : false;

test("the implementation has the declared types", () => {
  // These differ because the declaration follows @types/ws: `url` is undefined on a server, `send()` accepts other types, and a
  // getter may return an object with handleEvent().
  type Handlers = "onopen" | "onmessage" | "onclose" | "onerror";
  const socket: IsSame<Differing<Declared, ours.WebSocket>, "url" | "send" | Handlers> = true;
  // These differ because `clients` is undefined if clients are not tracked, because ws no longer has `path`, and because only the
  // declaration has type parameters for the classes in the options.
  const server: IsSame<
    Differing<Declared.Server, ours.WebSocketServer>,
    "clients" | "path" | "options" | "handleUpgrade"
  > = true;
  const receiver: IsSame<Differing<Declared.Receiver, ours.Receiver>, never> = true;
  const sender: IsSame<Differing<Declared.Sender, ours.Sender>, never> = true;
  const deflate: IsSame<Differing<Declared.PerMessageDeflate, ours.PerMessageDeflate>, never> = true;
  const functions: IsSame<
    Differing<Pick<typeof Declared, "extension" | "subprotocol">, Pick<typeof ours, "extension" | "subprotocol">>,
    never
  > = true;
  const frame: typeof Declared.Sender.frame = ours.Sender.frame;
  expect([socket, server, receiver, sender, deflate, functions]).not.toContain(false);
  expect(frame).toBe(ours.Sender.frame);
});

test("the classes have all public members of those of ws", () => {
  const lacking = (["WebSocket", "WebSocketServer"] as const).flatMap((name) => {
    const membersOf = (from: typeof ours | typeof theirs) =>
      [from[name], from[name].prototype].flatMap((each) => Object.getOwnPropertyNames(each));
    const own = new Set(membersOf(ours));
    return membersOf(theirs).filter((member) => !member.startsWith("_") && !own.has(member));
  });
  // An undocumented step of handleUpgrade() in ws.
  expect(lacking).toEqual(["completeUpgrade"]);
});
