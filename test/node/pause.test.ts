// pause() and resume() of a Connection, and the event of the peer's Close.

import { expect, test } from "vitest";
import { close, text, toRole } from "../support/wire.ts";
import { open, ROLES } from "./support/roles.ts";
import { until, watchLeftovers } from "./support/watch.ts";

watchLeftovers();

const wait = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 30));

for (const role of ROLES) {
  for (const options of [{}, { directReads: false }, { tls: true }] as const) {
    test(`${role} ${JSON.stringify(options)}: nothing is delivered while paused, and nothing is lost`, async () => {
      const got: string[] = [];
      const { connection, peer } = await open(role, {
        ...options,
        begin: (connection) =>
          connection.on("message", (data) => {
            got.push(String(data));
            if (data === "2") connection.pause();
          }),
      });
      expect(connection.isPaused).toBe(false);
      await peer.write(toRole(role, ...["1", "2", "3"].map((data) => text(data))));
      await wait();
      await peer.write(toRole(role, text("4"), close(1000, "bye")));
      await wait();
      expect(got).toEqual(["1", "2"]);
      expect(connection.isPaused).toBe(true);
      expect(connection.readyState).toBe(1);
      connection.resume();
      expect(connection.isPaused).toBe(false);
      await until(
        () => got.length === 4,
        () => got.join(),
      );
      peer.socket.end();
      expect(await connection.closed).toMatchObject({ code: 1000, reason: "bye" });
    });
  }

  test(`${role}: pause() and resume() in one turn change nothing`, async () => {
    const got: string[] = [];
    const { connection, peer } = await open(role, {
      begin: (connection) =>
        connection.on("message", (data) => {
          connection.pause();
          got.push(String(data));
          connection.resume();
        }),
    });
    await peer.write(toRole(role, ...["1", "2", "3"].map((data) => text(data))));
    await until(
      () => got.length === 3,
      () => got.join(),
    );
    connection.terminate();
    await connection.closed;
  });

  test(`${role}: if the peer ends during a pause, the messages are delivered after closeTimeout`, async () => {
    const seen: [data: string, readyState: number, sent: boolean][] = [];
    const { connection, peer } = await open(role, {
      pingInterval: 50,
      pongTimeout: 50,
      closeTimeout: 50,
      begin: (connection) => {
        connection.pause();
        connection.on("message", (data) => {
          const { readyState } = connection;
          seen.push([String(data), readyState, connection.send("late")]);
        });
      },
    });
    await peer.write(toRole(role, text("1"), text("2")));
    peer.socket.end();
    expect(await connection.closed).toMatchObject({ code: 1006 });
    expect(seen).toEqual([
      ["1", 2, false],
      ["2", 2, false],
    ]);
  });

  test(`${role}: terminate() ends a paused connection`, async () => {
    const { connection } = await open(role);
    connection.pause();
    connection.terminate();
    expect(await connection.closed).toMatchObject({ code: 1006 });
  });

  test(`${role}: "closing" comes with the peer's Close, and close() chooses the answer`, async () => {
    const log: unknown[] = [];
    const { connection, peer } = await open(role, {
      begin: (connection) => {
        connection.on("closing", (code, reason) => {
          log.push(["closing", code, reason, connection.readyState]);
          connection.send("last");
          connection.close(4001, reason);
        });
        connection.on("close", (code, reason) => log.push(["close", code, reason]));
      },
    });
    await peer.write(toRole(role, close(4000, "why")));
    await peer.sees(() => peer.received.includes(role === "server" ? "why" : ""), "an answer");
    peer.socket.end();
    await connection.closed;
    expect(log).toEqual([
      ["closing", 4000, "why", 2],
      ["close", 4000, "why"],
    ]);
    if (role === "server")
      expect(peer.received.subarray(-12)).toEqual(Buffer.from("\x04last\x88\x05\x0f\xa1why", "latin1"));
  });

  test(`${role}: without a code it is 1005; an end without a Close emits no "closing"`, async () => {
    for (const [frames, expected] of [
      [[close()], [1005, ""]],
      [[], undefined],
    ] as const) {
      let closing: unknown;
      const { connection, peer } = await open(role, {
        begin: (connection) => connection.on("closing", (...args) => (closing = args)),
      });
      await peer.write(toRole(role, ...frames));
      peer.socket.end();
      await connection.closed;
      expect(closing).toEqual(expected);
    }
  });
}
