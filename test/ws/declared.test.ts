// ws.d.cts is written by hand. The compiler holds the implementation against it, here; the tests of the published types hold it against
// programs.

import type { EventEmitter } from "node:events";
import { expect, test } from "vitest";
import * as theirs from "ws";
import * as ours from "../../src/ws/index.ts";
import type Declared from "../../src/ws/ws.cjs";

/** The names of the members that an implementation lacks, or has in another way. Those of EventEmitter are the same for all. */
type Differing<D, I> = {
  [K in Exclude<keyof D, keyof EventEmitter>]: K extends keyof I ? (Pick<I, K> extends Pick<D, K> ? never : K) : K;
}[Exclude<keyof D, keyof EventEmitter>];

type IsSame<A, B> = [A, B] extends [B, A] ? true : false;

test("the implementation is what is declared", () => {
  // `url` is undefined on a server, and `send()` takes anything: the declaration says what @types/ws says. A getter may return an object
  // with handleEvent(), if that is what was set.
  type Handlers = "onopen" | "onmessage" | "onclose" | "onerror";
  const socket: IsSame<Differing<Declared, ours.WebSocket>, "url" | "send" | Handlers> = true;
  // `clients` is undefined if clients are not tracked, and ws has not had `path` for long. The classes of the options are parameters
  // in the declaration alone.
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

test("the classes have the members of ws's", () => {
  const lacking = (["WebSocket", "WebSocketServer"] as const).flatMap((name) => {
    const membersOf = (from: typeof ours | typeof theirs) =>
      [from[name], from[name].prototype].flatMap((each) => Object.getOwnPropertyNames(each));
    const own = new Set(membersOf(ours));
    return membersOf(theirs).filter((member) => !member.startsWith("_") && !own.has(member));
  });
  // A step of handleUpgrade(), of which ws's documentation says nothing.
  expect(lacking).toEqual(["completeUpgrade"]);
});
