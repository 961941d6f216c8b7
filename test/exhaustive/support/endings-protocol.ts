// Runs a Protocol through a sequence of endings, and compares it with the model.

import { expect } from "vitest";
import { type MessageSink, Protocol, type Role } from "../../../src/index.ts";
import { concat } from "../../reference/serialize.ts";
import { close, text, toRole } from "../../support/wire.ts";
import { framesOf } from "../../support/connections.ts";
import { type Action, Model, OURS, THEIRS } from "./endings.ts";

/** How the peer's bytes arrive: each frame in a chunk of its own, or all in one chunk while this side acts in callbacks. */
export const CHUNKINGS = ["chunks", "one chunk"] as const;
export type Chunking = (typeof CHUNKINGS)[number];

class Run implements MessageSink {
  readonly seen: string[] = [];
  readonly written: Uint8Array[] = [];
  readonly protocol: Protocol;
  /** Called when a message arrives. */
  onText: (data: string) => void = () => {};

  constructor(role: Role) {
    this.protocol = new Protocol({ role });
  }

  text(data: string): void {
    this.seen.push(`text:${data}`);
    this.onText(data);
  }

  binary(): void {
    this.seen.push("binary");
  }

  ping(): void {
    this.seen.push("ping");
  }

  pong(): void {
    this.seen.push("pong");
  }

  error(error: { readonly code: string }): void {
    this.seen.push(`error:${error.code}`);
  }

  close(code: number, reason: string, wasClean: boolean): void {
    this.seen.push(`close:${code}:${reason}:${wasClean}`);
  }

  take(): void {
    this.written.push(...this.protocol.take().map((part) => Uint8Array.from(part)));
  }

  act(action: Action, role: Role): void {
    if (action === "ours") this.protocol.close(OURS, "ours");
    else if (action === "end") this.protocol.pushEnd(this);
    else if (action === "reset") this.protocol.cut(this);
    else if (action === "take") this.take();
    else this.protocol.push(bytesOf(action, role), this);
  }
}

function bytesOf(action: "theirs" | "error", role: Role): Uint8Array {
  return toRole(role, action === "theirs" ? close(THEIRS, "theirs") : { opcode: 3 });
}

const comesFromPeer = (action: Action): action is "theirs" | "error" => action === "theirs" || action === "error";

/** Both sides send a message before each action. */
export function checkProtocol(role: Role, actions: readonly Action[], chunking: Chunking): void {
  const run = new Run(role);
  const model = new Model();
  const label = `${role}, ${chunking}: ${actions.join(", ")}`;
  const same = (found: unknown, expected: unknown): void => {
    if (String(found) !== String(expected)) expect(found, label).toEqual(expected);
  };
  const send = (i: number): void => same(run.protocol.send(`s${i}`), model.send(`s${i}`));
  let chunk: Uint8Array[] = [];
  /** The action for each message, done when the message arrives. */
  let local = new Map<string, () => void>();
  run.onText = (data) => {
    const act = local.get(data);
    local.delete(data);
    act?.();
  };
  const deliver = (): void => {
    const bytes = concat(chunk);
    chunk = [];
    if (bytes.length > 0) run.protocol.push(bytes, run);
    // The messages before these actions never arrive.
    const late = [...local.values()];
    local = new Map();
    for (const act of late) act();
  };
  actions.forEach((action, i) => {
    const message = toRole(role, text(`m${i}`));
    if (chunking === "chunks") {
      run.protocol.push(message, run);
      model.message(`m${i}`);
      send(i);
      run.act(action, role);
      model.act(action);
      same(run.protocol.state, model.stateName);
      return;
    }
    chunk.push(message);
    if (comesFromPeer(action)) {
      chunk.push(bytesOf(action, role));
      model.message(`m${i}`);
      model.act(action);
      return;
    }
    local.set(`m${i}`, () => run.act(action, role));
    model.message(`m${i}`);
    model.act(action);
    if (action === "end" || action === "reset") deliver();
  });
  deliver();
  same(run.protocol.state, model.stateName);
  run.take();
  model.act("take");
  run.protocol.pushEnd(run);
  model.act("end");
  same(run.protocol.state, "closed");
  same(run.seen, model.events);
  // The reason of an error is not part of the model.
  const written = framesOf(role, run.written).map((frame) => frame.replace(/^(close:1002):.*/, "$1"));
  same(written, model.written);
  same(run.seen.filter((event) => event.startsWith("close:")).length, 1);
  same(run.seen.at(-1)!.startsWith("close:"), true);
}
