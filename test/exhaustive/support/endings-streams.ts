// Runs a pair of streams through an interleaving of endings, and compares it with the model.

import { expect } from "vitest";
import type { Role } from "../../../src/index.ts";
import { WebSocketStreamError } from "../../../src/streams/index.ts";
import { close, text } from "../../support/wire.ts";
import { framesOf, openStreams, turn } from "../../support/connections.ts";
import { type End, Model, OURS, THEIRS } from "./endings.ts";

export interface StreamsCase {
  readonly role: Role;
  readonly actions: readonly End[];
  /** A bit mask of the actions after which a turn ends. */
  readonly turns: number;
  /** Whether the peer sends a message before each action. */
  readonly messages: boolean;
}

/** The result: the messages, how the readable and `closed` ended, and the written frames. */
interface Seen {
  readonly events: readonly string[];
  readonly written: readonly string[];
}

export async function checkStreams(one: StreamsCase): Promise<void> {
  const { role, actions, turns } = one;
  const label = `${role}: ${actions.map((action, i) => (turns & (1 << i) ? `${action};` : action)).join(" ")}`;
  const possible = outcomes(one);
  const found = await run(one, label);
  const fits = possible.some(({ events, written }) => {
    // A reset also loses the frames written in its turn.
    const least = actions.includes("reset") ? written.slice(0, found.written.length) : written;
    return String(events) === String(found.events) && String(least) === String(found.written);
  });
  if (!fits) expect(found, label).toEqual(possible[0]);
}

/**
 * The streams are read in turns: the peer's actions in a turn come after ours. A reset loses unread data, which cannot be
 * observed: any part of its turn may have arrived.
 */
function outcomes({ actions, turns, messages }: StreamsCase): Seen[] {
  type Group = { ours: boolean; peer: string[]; reset: boolean };
  const groups: Group[] = [{ ours: false, peer: [], reset: false }];
  let canWrite = true;
  actions.forEach((action, i) => {
    const group = groups.at(-1)!;
    if (messages && canWrite) group.peer.push(`m${i}`);
    if (action === "ours") group.ours = true;
    else if (action === "reset") group.reset = canWrite;
    else if (canWrite) group.peer.push(action);
    if (action === "end" || action === "reset") canWrite = false;
    if (turns & (1 << i)) groups.push({ ours: false, peer: [], reset: false });
  });
  const lost = groups.find(({ reset }) => reset)?.peer.length ?? 0;
  return Array.from({ length: lost + 1 }, (_, read) => {
    const model = new Model();
    let isOver = false;
    for (const { ours, peer, reset } of groups) {
      if (isOver) break;
      if (ours) model.act("ours");
      for (const item of reset ? peer.slice(0, peer.length - read) : peer) {
        if (item === "theirs" || item === "error" || item === "end") model.act(item);
        else model.message(item);
      }
      if (reset) model.act("reset");
      model.act("take");
      isOver = model.state === "over" && (reset || peer.includes("end"));
    }
    model.act("end");
    // Streams have no error event: the readable and `closed` fail with the error.
    return { events: model.events.filter((event) => !event.startsWith("error:")), written: model.written };
  });
}

async function run({ role, actions, turns, messages }: StreamsCase, label: string): Promise<Seen> {
  const { pair, peer } = openStreams(role);
  const events: string[] = [];
  let settled = 0;
  const ending = pair.closed
    .then(
      ({ closeCode, reason }) => `close:${closeCode}:${reason}:true`,
      (error: WebSocketStreamError) => `close:${error.closeCode}:${error.reason}:false`,
    )
    .finally(() => settled++);
  let ended = "";
  const reading = (async () => {
    const reader = pair.readable.getReader();
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (done) break;
        events.push(`text:${String(value)}`);
      }
      ended = "done";
    } catch (error) {
      ended = error instanceof WebSocketStreamError ? "failed" : String(error);
    }
  })();
  await turn();
  for (const [i, action] of actions.entries()) {
    if (messages) peer.write(text(`m${i}`));
    if (action === "ours") pair.close({ closeCode: OURS, reason: "ours" });
    else if (action === "reset") peer.reset();
    else if (action === "end") peer.end();
    else peer.write(action === "theirs" ? close(THEIRS, "theirs") : { opcode: 3 });
    if (turns & (1 << i)) await settle();
  }
  await settle();
  peer.end();
  const last = await ending;
  await reading;
  if (ended !== (last.endsWith(":true") ? "done" : "failed")) expect.fail(`${label}: the readable ended with ${ended}`);
  // Later calls have no effect.
  pair.close({ closeCode: 1000 });
  await turn();
  if (settled !== 1) expect.fail(label);
  const written = framesOf(role, peer.written).map((frame) => frame.replace(/^(close:1002):.*/, "$1"));
  return { events: [...events, last], written };
}

async function settle(): Promise<void> {
  for (let i = 0; i < 4; i++) await turn();
}
