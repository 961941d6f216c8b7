// Runs a Connection of Node through an interleaving of endings, and compares it with the model.

import { expect } from "vitest";
import type { Role } from "../../../src/index.ts";
import { close, text } from "../../support/wire.ts";
import { framesOf, openNode, turn, type Writing } from "../../support/connections.ts";
import { type Consumer, type End, NodeModel, OURS, THEIRS } from "./endings.ts";

export interface NodeCase {
  readonly role: Role;
  readonly consumer: Consumer;
  readonly actions: readonly End[];
  /** A bit mask of the actions after which a turn ends. */
  readonly turns: number;
  /** Whether both sides send a message before each action. */
  readonly messages: boolean;
  readonly writing: Writing;
}

export async function checkNode({ role, consumer, actions, turns, messages, writing }: NodeCase): Promise<void> {
  const { connection, peer } = openNode(role, {}, [], writing);
  const model = new NodeModel(role, consumer);
  const label = `${role}, ${consumer}: ${actions.map((action, i) => (turns & (1 << i) ? `${action};` : action)).join(" ")}`;
  const same = (found: unknown, expected: unknown): void => {
    if (JSON.stringify(found) !== JSON.stringify(expected)) expect(found, label).toEqual(expected);
  };
  const seen: string[] = [];
  const heard: string[] = [];
  connection.on("error", (error) => seen.push(`error:${"code" in error ? error.code : error.message}`));
  connection.on("closing", (code, reason) => seen.push(`closing:${code}:${reason}`));
  connection.on("close", (code, reason, wasClean) => seen.push(`close:${code}:${reason}:${wasClean}`));
  const loop = async (): Promise<void> => {
    for await (const data of connection) heard.push(String(data));
  };
  const looping = consumer === "loop" ? loop() : undefined;
  if (consumer === "listener") {
    connection.on("message", (data) => {
      seen.push(`text:${String(data)}`);
      heard.push(String(data));
    });
  }
  await turn();

  for (const [i, action] of actions.entries()) {
    if (messages) {
      if (model.peerCanWrite) peer.write(text(`m${i}`));
      model.message(`m${i}`);
      const sent = connection.send(`s${i}`);
      // The connection does not notice a reset at once.
      const expected = !model.isClosed && model.protocol.send(`s${i}`);
      if (!model.isReset) same(sent, expected);
    }
    if (action === "ours") connection.close(OURS, "ours");
    else if (action === "reset") peer.reset();
    else if (action === "end") peer.end();
    else if (model.peerCanWrite) peer.write(action === "theirs" ? close(THEIRS, "theirs") : { opcode: 3 });
    model.act(action);
    if ((turns & (1 << i)) === 0 && i < actions.length - 1) continue;
    await settle(model);
    if (!model.isReset) same(connection.socket.writableEnded, model.endsStream);
  }
  if (!model.isClosed) {
    // The connection must be waiting for the peer.
    same(connection.ending, undefined);
    same(seen, model.events);
    peer.end();
    model.act("end");
    await settle(model);
  }
  same(model.isClosed, true);
  same(seen, model.events);
  same(heard, model.messages);
  same(seen.filter((event) => event.startsWith("close:")).length, 1);
  const ending = await connection.closed;
  same(`close:${ending.code}:${ending.reason}:${ending.wasClean}`, seen.at(-1));
  await looping;

  const written = framesOf(role, peer.written).map((frame) => frame.replace(/^(close:1002):.*/, "$1"));
  // A reset loses the frames written in its turn.
  const expected = model.isReset ? model.protocol.written.slice(0, written.length) : model.protocol.written;
  same(written, expected);

  // Later calls have no effect.
  connection.close(1000);
  connection.terminate();
  same(connection.send("late"), false);
  await turn();
  same(seen, model.events);
}

async function settle(model: NodeModel): Promise<void> {
  // Wait for the end of the connection, the writes that follow, and the end of the stream.
  for (let i = 0; i < 6; i++) await turn();
  model.settle();
}
