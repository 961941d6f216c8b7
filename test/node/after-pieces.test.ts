// Messages sent during a message in pieces wait for its end. Tests which of them can fail, and how that is reported.

import { expect, test } from "vitest";
import { type Extension, FrameDecoder, type Role } from "../../src/index.ts";
import { gate } from "../connection/support/time.ts";
import { openNode, type NodeEnd, turn } from "../support/connections.ts";
import { close, other, ROLES, text } from "../support/wire.ts";

/** A message of two pieces. The second one arrives when the test releases it. */
function inTwo(): { readonly pieces: AsyncIterable<string>; readonly go: () => void } {
  const { opened, open } = gate();
  async function* pieces(): AsyncGenerator<string, void> {
    yield "one ";
    await opened;
    yield "two";
  }
  return { pieces: pieces(), go: open };
}

/** The written frames in short form: "text:one …", "ping:x". */
function frames(role: Role, { peer }: NodeEnd): string[] {
  const names = ["", "text", "binary", "", "", "", "", "", "close", "ping", "pong"];
  return new FrameDecoder({ role: other(role), rsv: 7 })
    .decode(Buffer.concat(peer.written))
    .map(({ opcode, payload, fin }) => {
      if (opcode === 8) return `close:${Buffer.from(payload).readUInt16BE(0)}`;
      return `${names[opcode]}:${Buffer.from(payload).toString()}${fin ? "" : "…"}`;
    });
}

/** Throws for the message "bad". */
const picky: Extension = {
  name: "x-picky",
  rsv: 4,
  offer: () => [[]],
  accept: () => [],
  confirm: () => true,
  open: () => ({
    encode({ payload }) {
      if (Buffer.from(payload).toString() === "bad") throw new Error("not this one");
      return undefined;
    },
    decode: ({ payload }) => payload,
  }),
};

for (const role of ROLES) {
  test(`${role}: Pings and Pongs keep their place`, async () => {
    const end = openNode(role);
    const { connection } = end;
    await turn();
    const { pieces, go } = inTwo();
    const sent = connection.send(pieces);
    await turn();
    const payload = Uint8Array.from(Buffer.from("p"));
    const called: string[] = [];
    connection.send("between");
    expect(connection.control("ping", payload, { callback: () => called.push("ping") })).toBe(true);
    // It was copied.
    payload[0] = 0x71;
    connection.send("last");
    expect(connection.control("pong", "q", undefined)).toBe(true);
    expect(connection.control("ping", undefined, undefined)).toBe(true);
    // Invalid payloads are refused at once.
    expect(() => connection.control("ping", new Uint8Array(126), undefined)).toThrow(RangeError);
    expect(() => connection.control("pong", 1 as never, undefined)).toThrow(TypeError);
    await turn();
    expect(called).toEqual([]);
    go();
    expect(await sent).toBe(true);
    await turn();
    await turn();
    const after = frames(role, end).slice(-5);
    expect(after).toEqual(["text:between", "ping:p", "text:last", "pong:q", "ping:"]);
    expect(called).toEqual(["ping"]);
    connection.close(1000);
    expect(connection.control("ping", undefined, undefined)).toBe(false);
    connection.terminate();
  });

  test(`${role}: Pings and Pongs are sent at once if nothing is queued`, async () => {
    const end = openNode(role);
    const { connection } = end;
    let called = 0;
    expect(connection.control("ping", "a", { callback: () => called++ })).toBe(true);
    expect(connection.control("pong", Buffer.from("b"), {})).toBe(true);
    expect(() => connection.control("ping", new Uint8Array(126), undefined)).toThrow(RangeError);
    await turn();
    expect(frames(role, end)).toEqual(["ping:a", "pong:b"]);
    expect(called).toBe(1);
    connection.terminate();
  });

  test(`${role}: the next part of a message must be of the same kind`, async () => {
    const end = openNode(role);
    const { connection } = end;
    const { pieces, go } = inTwo();
    const sent = connection.send(pieces);
    connection.send("a", { fin: false });
    expect(() => connection.send(Buffer.from("x"))).toThrow(TypeError);
    expect(() => connection.send("x", { binary: true, fin: false })).toThrow(TypeError);
    connection.send(Buffer.from("b"), { binary: false });
    connection.send(Buffer.from("c"));
    go();
    await sent;
    await turn();
    expect(frames(role, end).slice(-3)).toEqual(["text:a…", ":b", "binary:c"]);
    connection.terminate();
  });

  test(`${role}: with a highWaterMark of 0, pieces are sent as the stream accepts them`, async () => {
    for (const writing of ["at once", "later"] as const) {
      const end = openNode(role, { highWaterMark: 0 }, [], writing);
      const { connection } = end;
      const { pieces, go } = inTwo();
      go();
      expect(await connection.send(pieces)).toBe(true);
      await connection.drained();
      expect(frames(role, end)).toEqual(["text:one …", ":two…", ":"]);
      connection.terminate();
    }
  });

  test(`${role}: close() is checked at once, comes last, and is sent once`, async () => {
    const end = openNode(role);
    const { connection, peer } = end;
    await turn();
    const { pieces, go } = inTwo();
    const sent = connection.send(pieces);
    connection.send("between");
    expect(() => connection.close(1005)).toThrow(RangeError);
    expect(() => connection.close(undefined, "why")).toThrow(RangeError);
    expect(connection.readyState).toBe(1);
    connection.close(4001, "first");
    expect(connection.readyState).toBe(2);
    connection.close(4002, "second");
    // No message of any kind is accepted any more.
    expect(connection.send("late")).toBe(false);
    expect(await connection.send(inTwo().pieces)).toBe(false);
    expect(connection.control("ping", undefined, undefined)).toBe(false);
    go();
    expect(await sent).toBe(true);
    await turn();
    expect(frames(role, end).slice(-2)).toEqual(["text:between", "close:4001"]);
    peer.write(close(4001));
    peer.end();
    expect(await connection.closed).toMatchObject({ code: 4001, wasClean: true });
  });

  test(`${role}: if an extension throws for a message, 1011 follows; callbacks of later messages get an error`, async () => {
    const end = openNode(role, {}, [{ extension: picky, parameters: [] }]);
    const { connection, peer } = end;
    await turn();
    const { pieces, go } = inTwo();
    const sent = connection.send(pieces, {});
    await turn();
    const called: string[] = [];
    const callback = (name: string) => (error?: Error) => void called.push(`${name} ${error ? "failed" : "sent"}`);
    for (const data of ["good", "bad", "late"]) {
      expect(connection.send(Buffer.from(data), { callback: callback(data) })).toBe(true);
    }
    go();
    expect(await sent).toBe(true);
    await turn();
    await turn();
    expect(frames(role, end).slice(-2)).toEqual(["binary:good", "close:1011"]);
    expect(called).toEqual(["good sent"]);
    expect(connection.send("late")).toBe(false);
    peer.end();
    await connection.closed;
    expect(called).toEqual(["good sent", "bad failed", "late failed"]);
  });

  test(`${role}: at the end of the connection, each callback gets one error, in order`, async () => {
    const { connection } = openNode(role);
    await turn();
    const called: string[] = [];
    const callback = (name: string) => (error?: Error) => void called.push(`${name} ${error?.message}`);
    const sent = connection.send(inTwo().pieces);
    await turn();
    connection.send("a", { callback: callback("a") });
    connection.send("b", { callback: callback("b") });
    const more = connection.send(inTwo().pieces);
    connection.send("c", { callback: callback("c") });
    connection.terminate();
    await connection.closed;
    expect([await sent, await more]).toEqual([false, false]);
    const why = "The connection has ended before the message was sent";
    expect(called).toEqual([`a ${why}`, `b ${why}`, `c ${why}`]);
  });

  test(`${role}: a source that throws before its first piece leaves the connection open, a later one closes it`, async () => {
    const end = openNode(role);
    const { connection } = end;
    await turn();
    const error = new Error("of the source");
    const failing = (pieces: readonly string[]): AsyncIterable<string> => ({
      async *[Symbol.asyncIterator]() {
        yield* pieces;
        throw error;
      },
    });
    await expect(connection.send(failing([]))).rejects.toBe(error);
    expect(connection.send("still open")).toBe(true);
    await expect(connection.send(failing(["one"]))).rejects.toBe(error);
    expect(connection.send("late")).toBe(false);
    await turn();
    expect(frames(role, end)).toEqual(["text:still open", "text:one…", "close:1011"]);
    connection.terminate();
    await connection.closed;
  });

  test(`${role}: if the connection ends while a source waits for room, nothing more is read from it`, async () => {
    const { connection } = openNode(role, { highWaterMark: 0 }, [], "later");
    await turn();
    const source = (async function* () {
      yield "one";
      await new Promise(() => {});
    })();
    const sent = connection.send(source);
    await new Promise<void>((resolve) => process.nextTick(resolve));
    expect(connection.bufferedAmount).toBeGreaterThan(0);
    connection.terminate();
    expect(await sent).toBe(false);
    await connection.closed;
  });

  test(`${role}: a callback that throws is an uncaught exception, and the others are called`, async () => {
    const thrown: unknown[] = [];
    const before = process.listeners("uncaughtException");
    process.removeAllListeners("uncaughtException");
    process.on("uncaughtException", (error) => thrown.push(error));
    try {
      const { connection } = openNode(role, {}, [], "later");
      await turn();
      const called: string[] = [];
      const error = new Error("of the callback");
      for (const name of ["a", "b", "c"]) {
        const callback = (): void => {
          called.push(name);
          if (name === "b") throw error;
        };
        connection.send(name, { callback });
      }
      await connection.drained();
      for (let i = 0; i < 4; i++) await turn();
      expect(called).toEqual(["a", "b", "c"]);
      expect(thrown).toEqual([error]);
      connection.terminate();
    } finally {
      process.removeAllListeners("uncaughtException");
      for (const listener of before) process.on("uncaughtException", listener);
    }
  });
}

test("a server stops reading while too much is unsent, and empty messages count", async () => {
  const { connection, peer } = openNode("server", { highWaterMark: 1000 });
  const got: unknown[] = [];
  connection.on("message", (data) => got.push(data));
  await turn();
  const { pieces, go } = inTwo();
  void connection.send(pieces);
  for (let i = 0; i < 20; i++) connection.send("");
  // Messages that have already arrived are delivered.
  for (const name of ["a", "b", "c"]) {
    peer.write(text(name));
    await turn();
  }
  expect(got).toEqual(["a"]);
  go();
  await connection.drained();
  await turn();
  expect(got).toEqual(["a", "b", "c"]);
  connection.terminate();
});
