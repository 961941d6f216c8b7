// The callbacks of send(): the system has accepted a message, or never will.

import { expect, test } from "vitest";
import { PreparedMessage } from "../../src/index.ts";
import { open, ROLES } from "./support/roles.ts";
import { until, watchLeftovers } from "./support/watch.ts";

watchLeftovers();

const COUNT = 24;
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

for (const role of ROLES) {
  for (const options of [{}, { directWrites: false }, { tls: true }] as const) {
    const how = JSON.stringify(options);

    test(`${role} ${how}: callbacks come in order, after the call, once each`, async () => {
      const { connection } = await open(role, options);
      const log: string[] = [];
      const done = (name: string) => ({ callback: (error?: Error) => void log.push(error ? "failed" : name) });
      connection.send("a", done("text"));
      connection.send(Uint8Array.of(1), done("binary"));
      connection.send(Buffer.from("ä"), { binary: false, ...done("bytes of text") });
      connection.send(new PreparedMessage("p"), done("prepared"));
      connection.ping("x", done("ping"));
      connection.send(new Uint8Array(300_000), done("large"));
      expect(log).toEqual([]);
      await connection.drained();
      await until(
        () => log.length === 6,
        () => log.join(),
      );
      expect(log).toEqual(["text", "binary", "bytes of text", "prepared", "ping", "large"]);
    });

    test(`${role} ${how}: no callback comes before the peer makes room`, async () => {
      const { connection, peer } = await open(role, options);
      peer.socket.pause();
      const log: number[] = [];
      const failed: Error[] = [];
      const callback = (i: number) => (error?: Error) => void (error ? failed.push(error) : log.push(i));
      const chunk = new Uint8Array(1_000_000);
      // Borrowed messages are written in several parts.
      for (let i = 0; i < COUNT; i++) connection.send(chunk, { copy: i < COUNT / 2, callback: callback(i) });
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect(log.length).toBeLessThan(COUNT);
      const some = { copied: false, borrowed: false };
      peer.socket.removeAllListeners("data").on("data", () => {
        if (log.length > 1 && log.length < COUNT / 2) some.copied = true;
        if (log.length > COUNT / 2 && log.length < COUNT) some.borrowed = true;
      });
      peer.socket.resume();
      await until(
        () => log.length === COUNT,
        () => `${log.length}`,
      );
      // Callbacks are called as the system accepts messages, not all at the end.
      expect(some).toEqual({ copied: true, borrowed: true });
      expect(log).toEqual(Array.from({ length: COUNT }, (_, i) => i));
      expect(failed).toEqual([]);
    });

    test(`${role} ${how}: callbacks of messages that the system had not accepted get an error at the end`, async () => {
      const { connection, peer } = await open(role, options);
      peer.socket.pause();
      const log: string[] = [];
      const callback = (error?: Error) => void log.push(error ? "failed" : "sent");
      for (let i = 0; i < COUNT; i++) connection.send(new Uint8Array(1_000_000), { callback });
      await turn();
      connection.terminate();
      await connection.closed;
      expect(log.length).toBe(COUNT);
      expect(log.at(-1)).toBe("failed");
      expect(log.lastIndexOf("sent")).toBeLessThan(log.indexOf("failed"));
    });
  }

  test(`${role}: a refused message has no callback`, async () => {
    const { connection } = await open(role);
    connection.close();
    let called = false;
    expect(connection.send("late", { callback: () => (called = true) })).toBe(false);
    connection.terminate();
    await connection.closed;
    expect(called).toBe(false);
  });

  test(`${role}: callbacks of messages after a message in pieces come after it`, async () => {
    const { connection } = await open(role);
    const log: string[] = [];
    async function* pieces(): AsyncGenerator<string> {
      yield "a";
      await turn();
      log.push("piece");
      yield "b";
    }
    const sent = connection.send(pieces());
    connection.send("c", { callback: () => void log.push("sent") });
    await sent;
    await until(
      () => log.length === 2,
      () => log.join(),
    );
    expect(log).toEqual(["piece", "sent"]);
  });

  test(`${role}: a callback may send, and close`, async () => {
    const { connection, peer } = await open(role);
    const { length } = peer.received;
    connection.send("a", { callback: () => connection.send("b", { callback: () => connection.close(1000) }) });
    await peer.sees(() => peer.received.length > length + 6, "both, and a Close");
    connection.terminate();
    await connection.closed;
  });
}
