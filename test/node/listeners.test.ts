// Listeners of "message", added and removed by all methods of EventEmitter.

import { expect, test } from "vitest";
import type { Connection } from "../../src/node/index.ts";
import { openNode, turn } from "../support/connections.ts";
import { ping, ROLES, text } from "../support/wire.ts";

type Listener = (data: unknown) => void;

const WAYS: readonly [name: string, add: (connection: Connection, listener: Listener) => void, isOnce: boolean][] = [
  ["on", (connection, listener) => connection.on("message", listener), false],
  ["addListener", (connection, listener) => connection.addListener("message", listener), false],
  ["prependListener", (connection, listener) => connection.prependListener("message", listener), false],
  ["once", (connection, listener) => connection.once("message", listener), true],
  ["prependOnceListener", (connection, listener) => connection.prependOnceListener("message", listener), true],
];

for (const role of ROLES) {
  for (const [name, add, isOnce] of WAYS) {
    test(`${name}(), ${role}: gets the waiting messages${isOnce ? ", but only one, and the others still wait" : ""}`, async () => {
      const { connection, peer } = openNode(role);
      await turn();
      peer.write(text("a"), text("b"));
      await turn();
      const seen: unknown[] = [];
      add(connection, (data) => seen.push(data));
      await turn();
      peer.write(text("c"));
      await turn();
      expect(seen).toEqual(isOnce ? ["a"] : ["a", "b", "c"]);
      connection.on("message", (data) => seen.push(data));
      await turn();
      // Two listeners get each message.
      if (!isOnce) peer.write(text("d"));
      await turn();
      expect(seen).toEqual(isOnce ? ["a", "b", "c"] : ["a", "b", "c", "d", "d"]);
      connection.terminate();
    });
  }

  for (const [name, remove] of [
    ["off", (connection: Connection, listener: Listener) => connection.off("message", listener)],
    ["removeListener", (connection: Connection, listener: Listener) => connection.removeListener("message", listener)],
    ['removeAllListeners("message")', (connection: Connection) => connection.removeAllListeners("message")],
    ["removeAllListeners()", (connection: Connection) => connection.removeAllListeners()],
  ] as const) {
    test(`${name}, ${role}: messages wait again`, async () => {
      const { connection, peer } = openNode(role);
      const seen: unknown[] = [];
      const listener = (data: unknown): void => {
        seen.push(data);
        if (data === "b") remove(connection, listener);
      };
      connection.on("message", listener);
      await turn();
      peer.write(text("a"), text("b"), text("c"));
      peer.write(text("d"));
      await turn();
      expect(seen).toEqual(["a", "b"]);
      connection.on("message", (data) => seen.push(`${String(data)} too`));
      await turn();
      expect(seen).toEqual(["a", "b", "c too", "d too"]);
      connection.terminate();
    });
  }

  test(`prependListener(), ${role}: the listener is called before the others, and not after its removal`, async () => {
    const { connection, peer } = openNode(role);
    const seen: string[] = [];
    const first = (data: unknown): void => void seen.push(`first ${String(data)}`);
    connection.on("message", (data) => seen.push(`last ${String(data)}`));
    connection.prependListener("message", first);
    await turn();
    peer.write(text("a"));
    connection.off("message", first);
    peer.write(text("b"));
    expect(seen).toEqual(["first a", "last a", "last b"]);
    connection.terminate();
  });

  test(`${role}: listeners of other events do not get messages`, async () => {
    const { connection, peer } = openNode(role);
    const seen: string[] = [];
    connection.prependListener("ping", (data) => seen.push(`first ping ${String(Buffer.from(data))}`));
    connection.addListener("ping", (data) => seen.push(`ping ${String(Buffer.from(data))}`));
    await turn();
    peer.write(text("a"), ping("p"));
    await turn();
    expect(seen).toEqual(["first ping p", "ping p"]);
    connection.on("message", (data) => seen.push(String(data)));
    await turn();
    expect(seen).toEqual(["first ping p", "ping p", "a"]);
    connection.terminate();
  });

  test(`${role}: after terminate() in a handler, nothing of the same chunk is delivered: no message, Ping, Pong or Close`, async () => {
    for (const by of ["message", "ping", "pong"] as const) {
      const { connection, peer } = openNode(role);
      const seen: string[] = [];
      for (const event of ["message", "ping", "pong", "closing"] as const) {
        connection.on(event as "message", () => {
          seen.push(event);
          if (event === by) connection.terminate();
        });
      }
      connection.on("close", (code) => seen.push(`close ${code}`));
      await turn();
      const all = [text("a"), ping("b"), { opcode: 10 }, text("c"), ping("d"), { opcode: 10 }];
      peer.write(...all);
      await connection.closed;
      expect(seen).toEqual([
        ...["message", "ping", "pong"].slice(0, ["message", "ping", "pong"].indexOf(by) + 1),
        "close 1006",
      ]);
    }
  });

  test(`${role}: if the stream emits close inside a handler, the rest of the chunk comes first`, async () => {
    const { connection, peer } = openNode(role);
    const seen: string[] = [];
    connection.on("message", (data) => {
      seen.push(String(data));
      if (data === "a") connection.socket.emit("close");
    });
    connection.on("close", () => seen.push("close"));
    await turn();
    peer.write(text("a"), text("b"), text("c"));
    await turn();
    expect(seen).toEqual(["a", "b", "c", "close"]);
    connection.terminate();
  });
}
