// The properties of a connection from its opening to its end, over streams in memory. The test is the peer.

import { expect, test } from "vitest";
import { PreparedMessage } from "../../src/index.ts";
import { gate } from "../connection/support/time.ts";
import { framesOf, openNode, turn } from "../support/connections.ts";
import { close, ROLES, text } from "../support/wire.ts";

async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await turn();
}

for (const role of ROLES) {
  test(`${role}: readyState, ending and closed, if this side closes first`, async () => {
    const { connection, peer } = openNode(role);
    const ended = connection.closed;
    expect(connection.closed).toBe(ended);
    expect([connection.readyState, connection.ending, connection.error]).toEqual([1, undefined, undefined]);
    connection.close(4000, "bye");
    expect(connection.readyState).toBe(2);
    await turn();
    expect(framesOf(role, peer.written)).toEqual(["close:4000:bye"]);
    // A second close() does nothing.
    connection.close(4001);
    await turn();
    expect(framesOf(role, peer.written)).toEqual(["close:4000:bye"]);
    peer.write(close(4000, "bye"));
    await turn();
    // A client waits for the server to end the socket.
    expect(connection.readyState).toBe(3);
    expect(connection.socket.writableEnded).toBe(role === "server");
    expect(connection.ending).toBeUndefined();
    peer.end();
    const ending = { code: 4000, reason: "bye", wasClean: true };
    expect(await ended).toEqual(ending);
    expect(connection.ending).toEqual(ending);
    // `closed` also resolves if it is first read after the end.
    expect(await connection.closed).toEqual(ending);
    expect(connection.readyState).toBe(3);
    expect(connection.socket.destroyed).toBe(true);
  });

  test(`${role}: readyState, ending and closed, if the peer closes first`, async () => {
    const { connection, peer } = openNode(role);
    const log: unknown[] = [];
    connection.on("closing", (...closing) => log.push([...closing, connection.readyState]));
    connection.on("close", (...closed) => log.push([...closed, connection.readyState]));
    peer.write(close(1001, "away"));
    await turns(2);
    expect(framesOf(role, peer.written)).toEqual(["close:1001:"]);
    expect(connection.send("late")).toBe(false);
    expect(connection.ping()).toBe(false);
    expect(connection.pong()).toBe(false);
    peer.end();
    expect(await connection.closed).toEqual({ code: 1001, reason: "away", wasClean: true });
    expect(log).toEqual([
      [1001, "away", 2],
      [1001, "away", true, 3],
    ]);
    expect(connection.error).toBeUndefined();
  });

  test(`${role}: a socket that fails emits "error", then 1006; after the peer's Close it emits no error`, async () => {
    for (const [first, ending, errors] of [
      [undefined, { code: 1006, reason: "", wasClean: false }, ["ECONNRESET"]],
      [close(1000), { code: 1000, reason: "", wasClean: true }, []],
    ] as const) {
      const { connection, peer } = openNode(role);
      const log: unknown[] = [];
      connection.on("error", (error) => log.push((error as NodeJS.ErrnoException).code));
      await turn();
      if (first !== undefined) peer.write(first);
      await turn();
      peer.reset();
      expect(await connection.closed).toEqual(ending);
      expect(log).toEqual(errors);
      expect((connection.error as NodeJS.ErrnoException | undefined)?.code).toBe(errors[0]);
    }
  });

  test(`${role}: only the first error is reported`, async () => {
    const { connection, peer } = openNode(role);
    const codes: unknown[] = [];
    connection.on("error", (error) => codes.push((error as NodeJS.ErrnoException).code));
    peer.writeBytes(Uint8Array.of(0xff, 0xff));
    await turn();
    peer.reset();
    expect(await connection.closed).toMatchObject({ code: 1006, wasClean: false });
    expect(codes).toEqual(["WS_ERR_UNEXPECTED_RSV_2_3"]);
    expect(connection.error).toMatchObject({ code: "WS_ERR_UNEXPECTED_RSV_2_3" });
  });

  test(`${role}: an exception in \`allocate\` is an "error", and closes the connection with 1011`, async () => {
    for (const thrown of [new Error("no memory"), "no memory"]) {
      const allocate = (): never => {
        throw thrown;
      };
      const { connection, peer } = openNode(role, { allocate });
      const errors: unknown[] = [];
      connection.on("error", (error) => errors.push(error));
      connection.on("message", () => {});
      peer.write({ opcode: 2, fin: false, payload: new Uint8Array(300) }, { opcode: 0, payload: new Uint8Array(300) });
      await turns(2);
      expect(errors).toHaveLength(1);
      expect(errors[0]).toBeInstanceOf(Error);
      expect((errors[0] as Error).message).toBe("no memory");
      expect(framesOf(role, peer.written)).toEqual(["close:1011:Internal error"]);
      peer.end();
      expect(await connection.closed).toMatchObject({ code: 1006, wasClean: false });
    }
  });

  test(`${role}: a loop ends with the connection, and leaving it closes with 1000`, async () => {
    const { connection, peer } = openNode(role);
    const loop = connection[Symbol.asyncIterator]();
    peer.write(text("a"), text("b"), text("c"));
    expect(await loop.next()).toEqual({ done: false, value: "a" });
    expect(await loop.return!()).toEqual({ done: true, value: undefined });
    expect(connection.readyState).toBe(2);
    await turn();
    expect(framesOf(role, peer.written)).toEqual(["close:1000:"]);
    peer.write(close(1000));
    peer.end();
    await connection.closed;
    expect(await loop.next()).toEqual({ done: true, value: undefined });
    expect(await connection[Symbol.asyncIterator]().next()).toEqual({ done: true, value: undefined });
  });

  test(`${role}: after the peer's Close, a loop can answer earlier messages`, async () => {
    const { connection, peer } = openNode(role);
    const loop = connection[Symbol.asyncIterator]();
    peer.write(text("a"), text("b"), close(1000));
    expect(await loop.next()).toEqual({ done: false, value: "a" });
    await turns(2);
    expect(connection.send("to a")).toBe(true);
    expect(await loop.next()).toEqual({ done: false, value: "b" });
    await turns(2);
    expect(framesOf(role, peer.written)).toEqual(["text:to a"]);
    expect(connection.send("to b")).toBe(true);
    const last = loop.next();
    await turns(2);
    expect(framesOf(role, peer.written)).toEqual(["text:to a", "text:to b", "close:1000:"]);
    expect(connection.send("late")).toBe(false);
    peer.end();
    expect(await last).toEqual({ done: true, value: undefined });
  });

  test(`${role}: after the peer's Close, a loop that waited for the message can answer it`, async () => {
    const { connection, peer } = openNode(role);
    const loop = connection[Symbol.asyncIterator]();
    const first = loop.next();
    await turn();
    peer.write(text("a"), close(1000));
    expect(await first).toEqual({ done: false, value: "a" });
    await turns(2);
    expect(connection.send("to a")).toBe(true);
    const last = loop.next();
    await turns(2);
    expect(framesOf(role, peer.written)).toEqual(["text:to a", "close:1000:"]);
    peer.end();
    expect(await last).toEqual({ done: true, value: undefined });
  });

  test(`${role}: listeners get no messages while there is a loop`, async () => {
    const { connection, peer } = openNode(role);
    const heard: unknown[] = [];
    connection.on("message", (data) => heard.push(data));
    const loop = connection[Symbol.asyncIterator]();
    const first = loop.next();
    await turn();
    peer.write(text("a"), text("b"));
    await turn();
    expect(await first).toEqual({ done: false, value: "a" });
    expect(await loop.next()).toEqual({ done: false, value: "b" });
    expect(heard).toEqual([]);
    connection.terminate();
  });

  test(`${role}: several loops share the messages, first come, first served`, async () => {
    const { connection, peer } = openNode(role);
    const [one, other] = [connection[Symbol.asyncIterator](), connection[Symbol.asyncIterator]()];
    const results = [one.next(), other.next(), one.next()];
    await turn();
    peer.write(text("a"), text("b"), text("c"), text("d"));
    const values = (await Promise.all(results)).map(({ value }) => value);
    expect(values).toEqual(["a", "b", "c"]);
    expect(await other.next()).toEqual({ done: false, value: "d" });
    const last = [one.next(), other.next()];
    connection.terminate();
    expect(await Promise.all(last)).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ]);
  });

  test(`${role}: a loop that stops makes the socket stop, and reading continues with it`, async () => {
    const { connection, peer } = openNode(role, { highWaterMark: 1000 });
    const loop = connection[Symbol.asyncIterator]();
    await turn();
    const sent = Array.from({ length: 100 }, (_, i) => `${i} ${"x".repeat(100)}`);
    for (const data of sent) peer.write(text(data));
    await turns(3);
    expect(connection.socket.isPaused()).toBe(true);
    expect(connection.socket.readableLength).toBeGreaterThan(5000);
    const got: unknown[] = [];
    while (got.length < sent.length) got.push((await loop.next()).value);
    expect(got).toEqual(sent);
    expect(connection.socket.isPaused()).toBe(false);
    connection.terminate();
  });

  test(`${role}: without a reader, messages wait and the socket stops; with discardUnread they are dropped`, async () => {
    for (const discardUnread of [false, true]) {
      const { connection, peer } = openNode(role, { highWaterMark: 1000, discardUnread });
      for (let i = 0; i < 30; i++) {
        peer.write(text("x".repeat(100)));
        await turn();
      }
      expect(connection.socket.isPaused()).toBe(!discardUnread);
      const got: unknown[] = [];
      connection.on("message", (data) => got.push(data));
      await turns(2);
      expect(got).toHaveLength(discardUnread ? 0 : 30);
      expect(connection.socket.isPaused()).toBe(false);
      connection.terminate();
    }
  });

  test(`${role}: after our Close, unread messages above the mark are dropped, and the peer's Close is seen`, async () => {
    const { connection, peer } = openNode(role, { highWaterMark: 1000 });
    await turn();
    connection.close();
    for (let i = 0; i < 30; i++) peer.write(text(`${i} ${"x".repeat(100)}`));
    peer.write(close(4000));
    await turns(2);
    peer.end();
    // The connection reads the socket to its end at once.
    await turns(5);
    expect(connection.ending).toEqual({ code: 4000, reason: "", wasClean: true });
  });

  test(`${role}: a listener added after our Close gets the messages below the mark`, async () => {
    const { connection, peer } = openNode(role, { highWaterMark: 1000 });
    await turn();
    connection.close();
    for (let i = 0; i < 30; i++) peer.write(text("x".repeat(100)));
    await turns(2);
    const got: unknown[] = [];
    connection.on("message", (data) => got.push(data));
    await turn();
    expect(got.length).toBeGreaterThan(5);
    expect(got.length).toBeLessThan(12);
    peer.write(text("one more"), close(4000));
    await turn();
    expect(got.at(-1)).toBe("one more");
    peer.end();
    expect(await connection.closed).toMatchObject({ code: 4000, wasClean: true });
  });

  test(`${role}: a message in pieces is finished after the peer's Close`, async () => {
    const { connection, peer } = openNode(role);
    const { opened, open } = gate();
    const sent = connection.send(
      (async function* () {
        yield "one ";
        await opened;
        yield "two";
      })(),
    );
    await turn();
    peer.write(close(1000));
    await turns(2);
    expect(connection.socket.writableEnded).toBe(false);
    open();
    expect(await sent).toBe(true);
    await turns(2);
    expect(framesOf(role, peer.written)).toEqual(["text:one ", "opcode 0:two", "opcode 0:", "close:1000:"]);
    peer.end();
    expect(await connection.closed).toMatchObject({ code: 1000, wasClean: true });
  });

  test(`${role}: the end of the stream ends a message in pieces`, async () => {
    const { connection, peer } = openNode(role);
    let released = false;
    const source: AsyncIterable<string> = {
      [Symbol.asyncIterator]: () => ({
        next: () => new Promise(() => {}),
        return: () => {
          released = true;
          return Promise.resolve({ done: true, value: undefined });
        },
      }),
    };
    const sent = connection.send(source);
    await turn();
    peer.end();
    expect(await sent).toBe(false);
    expect(released).toBe(true);
    expect(await connection.closed).toMatchObject({ code: 1006, wasClean: false });
  });

  test(`${role}: after hold(), messages of several turns leave together at release()`, async () => {
    const { connection, peer } = openNode(role);
    await turn();
    connection.hold();
    connection.send("a");
    await turn();
    connection.send("b");
    await turn();
    expect(peer.written).toHaveLength(0);
    connection.release();
    expect(peer.written).toHaveLength(0);
    await turn();
    expect(peer.written).toHaveLength(1);
    expect(framesOf(role, peer.written)).toEqual(["text:a", "text:b"]);
    connection.terminate();
  });

  test(`${role}: messages of one turn leave in one write, and flushNow() writes before its end`, async () => {
    const { connection, peer } = openNode(role);
    const counts: number[] = [];
    connection.on("message", () => {
      connection.send("1");
      counts.push(peer.written.length);
      connection.flushNow();
      counts.push(peer.written.length);
      connection.send("2");
      connection.send("3");
      counts.push(peer.written.length);
    });
    peer.write(text("a"));
    await turn();
    expect(counts).toEqual([0, 1, 1]);
    expect(peer.written).toHaveLength(2);
    expect(framesOf(role, peer.written)).toEqual(["text:1", "text:2", "text:3"]);
    connection.terminate();
  });

  test(`${role}: a long series of answers to one chunk is written before the chunk ends`, async () => {
    const { connection, peer } = openNode(role, { highWaterMark: 20_000 }, [], "later");
    const most: number[] = [];
    connection.on("message", () => {
      connection.send("x".repeat(1000));
      most.push(connection.bufferedAmount);
    });
    peer.write(...Array.from({ length: 100 }, () => text("a")));
    await turn();
    // A client keeps reading, because if both ends stopped, neither would continue. Text counts three bytes for each
    // code unit.
    if (role === "server") expect(Math.max(...most)).toBeLessThan(75_000);
    else expect(Math.max(...most)).toBeGreaterThan(250_000);
    await turns(10);
    expect(most).toHaveLength(100);
    await connection.drained();
    expect(framesOf(role, peer.written)).toHaveLength(100);
    connection.terminate();
  });

  test(`${role}: send() refuses values that are not messages or options`, () => {
    const { connection } = openNode(role);
    for (const data of [undefined, null, 5, {}, [], true, Symbol("a")]) {
      expect(() => connection.send(data as never)).toThrow(TypeError);
      expect(() => connection.send(data as never, { compress: false })).toThrow(TypeError);
    }
    for (const options of [() => {}, 5, "binary", true]) {
      expect(() => connection.send("a", options as never)).toThrow(TypeError);
      expect(() => connection.send(new Uint8Array(1), options as never)).toThrow(TypeError);
    }
    expect(connection.bufferedAmount).toBe(0);
    expect(connection.send(new PreparedMessage("p"), undefined)).toBe(true);
    connection.terminate();
  });

  test(`${role}: after terminate() nothing is accepted, and pause() has no effect`, async () => {
    const { connection, peer } = openNode(role);
    const got: unknown[] = [];
    connection.on("message", (data) => got.push(data));
    connection.pause();
    expect(connection.isPaused).toBe(true);
    peer.write(text("a"));
    await turn();
    connection.terminate();
    connection.resume();
    expect(connection.isPaused).toBe(false);
    for (const send of [() => connection.send("a"), () => connection.ping(), () => connection.pong()]) {
      expect(send()).toBe(false);
    }
    await connection.drained();
    expect(await connection.closed).toMatchObject({ code: 1006 });
    expect(got).toEqual([]);
  });
}
