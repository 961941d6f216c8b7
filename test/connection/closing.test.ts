// How a connection ends: it sends accepted messages, delivers received ones, and does not wait longer than necessary.

import { expect } from "vitest";
import type { Role } from "../../src/index.ts";
import { binary, close, text } from "../support/wire.ts";
import type { Peer } from "./support/peer.ts";
import type { Subject } from "./support/subject.ts";
import { fill } from "./support/fill.ts";
import { end, sleep, timed, until, within } from "./support/time.ts";
import { allWays, CONSUMERS, each, MARKS, nodeWays, ROLES, STREAMS_THAT_END, streamsWays } from "./support/ways.ts";

const consuming = allWays({ roles: ROLES, consumers: CONSUMERS, streams: STREAMS_THAT_END });
const seeingEnds = consuming.filter(({ hidesEnd }) => !hidesEnd);
const nodeMarks = nodeWays({ roles: ROLES, marks: MARKS });

/** The longest time until a server's connection has ended. Only the sockets need time. */
const AT_ONCE = 800;
/** A client waits about a second for the server to end the stream (RFC 6455 §7.1.1). */
const LINGER = { least: 400, most: 1800 };

/** How long the connection may stay open after both Closes, once the peer has ended its side. */
function endTime({ role, hidesEnd }: { readonly role: Role; readonly hidesEnd: boolean }): number {
  return role === "client" && hidesEnd ? LINGER.most : AT_ONCE;
}

each("our close(), the peer's answer, the end", consuming, async (open, way) => {
  const { subject, peer } = await open({ begin: (subject) => subject.receive(() => {}) });
  await subject.send("last");
  subject.close(4000, "enough");
  await peer.until(() => peer.close !== undefined, "no Close");
  expect(peer.log.slice(0, 2)).toEqual(["text:last", "close:4000"]);
  peer.write(close(4000, "so be it"));
  if (way.role === "client") peer.line.end();
  expect(await timed(peer.gone())).toBeLessThan(endTime(way));
  peer.line.end();
  expect(await timed(end(subject))).toBeLessThan(AT_ONCE);
  expect(await end(subject)).toEqual({ code: 4000, reason: "so be it", wasClean: true });
  await within(subject.loopEnded, "the loop has not ended");
  expect(await subject.send("late")).toBe(false);
});

each("the peer's Close, our answer, the end", consuming, async (open, way) => {
  const { subject, peer } = await open({ begin: (subject) => subject.receive(() => {}) });
  peer.write(close(4000, "enough"));
  await peer.until(() => peer.close !== undefined, "no Close");
  expect(peer.close).toBe("close:4000");
  if (way.role === "client") peer.line.end();
  expect(await timed(peer.gone())).toBeLessThan(endTime(way));
  peer.line.end();
  expect(await end(subject)).toEqual({ code: 4000, reason: "enough", wasClean: true });
  await within(subject.loopEnded, "the loop has not ended");
});

for (const first of ["we", "the peer"] as const) {
  each(
    `a server that leaves the stream open after both Closes: the client ends it after a while; first closes ${first}`,
    allWays({ roles: ["client"], consumers: CONSUMERS, streams: STREAMS_THAT_END }),
    async (open) => {
      const { subject, peer } = await open({ begin: (subject) => subject.receive(() => {}) });
      if (first === "we") subject.close(1000);
      else peer.write(close(1000));
      await peer.until(() => peer.close !== undefined, "no Close");
      if (first === "we") peer.write(close(1000));
      const time = await timed(end(subject));
      expect(await end(subject)).toEqual({ code: 1000, reason: "", wasClean: true });
      expect(time).toBeLessThan(LINGER.most);
      expect(time).toBeGreaterThan(LINGER.least);
      expect(await timed(peer.gone())).toBeLessThan(AT_ONCE);
    },
  );
}

each(
  "a client that leaves the stream open after both Closes: the server ends it",
  allWays({ roles: ["server"], streams: STREAMS_THAT_END }),
  async (open) => {
    const { subject, peer } = await open({
      options: { closeTimeout: 400 },
      begin: (subject) => subject.receive(() => {}),
    });
    peer.write(close(1000));
    expect(await timed(peer.gone())).toBeLessThan(AT_ONCE);
    expect(await timed(end(subject))).toBeLessThan(LINGER.most);
    expect(await end(subject)).toEqual({ code: 1000, reason: "", wasClean: true });
  },
);

each("a peer that does not answer our Close is cut after closeTimeout", consuming, async (open) => {
  const { subject, peer } = await open({
    options: { closeTimeout: 300 },
    begin: (subject) => subject.receive(() => {}),
  });
  subject.close(1000);
  const time = await timed(end(subject));
  expect(await end(subject)).toMatchObject({ code: 1006, wasClean: false });
  expect(time).toBeGreaterThan(200);
  expect(time).toBeLessThan(1300);
  await peer.gone();
  await within(subject.loopEnded, "the loop has not ended");
});

each("if a peer is cut, the loop and the connection end soon", consuming, async (open) => {
  const { subject, peer } = await open({ begin: (subject) => subject.receive(() => {}) });
  await sleep(10);
  peer.line.reset();
  expect(await timed(end(subject))).toBeLessThan(AT_ONCE);
  expect(await end(subject)).toMatchObject({ code: 1006, wasClean: false });
  expect(await timed(within(subject.loopEnded, "the loop has not ended"))).toBeLessThan(AT_ONCE);
});

each("a peer that ends its side without a Close", seeingEnds, async (open) => {
  const got: unknown[] = [];
  const { subject, peer } = await open({ begin: (subject) => subject.receive((data) => got.push(data)) });
  peer.write(text("a"), text("b"));
  peer.line.end();
  expect(await timed(end(subject))).toBeLessThan(AT_ONCE);
  expect(await end(subject)).toMatchObject({ code: 1006, wasClean: false });
  expect(got).toEqual(["a", "b"]);
  await within(subject.loopEnded, "the loop has not ended");
  await peer.gone();
});

each("messages that arrive between our close() and the peer's Close are delivered", consuming, async (open) => {
  const got: unknown[] = [];
  const { subject, peer } = await open({ begin: (subject) => subject.receive((data) => got.push(data)) });
  subject.close(1000);
  await peer.until(() => peer.close !== undefined, "no Close");
  peer.write(text("a"), text("b"), close(1000));
  peer.line.end();
  expect((await end(subject)).wasClean).toBe(true);
  await within(subject.loopEnded, "the loop has not ended");
  expect(got).toEqual(["a", "b"]);
});

for (const [name, last] of [
  ["Close and FIN", [close(4003, "bye")]],
  ["FIN alone", []],
] as const) {
  each(
    `${name} while our socket is full: a peer that still reads gets all accepted messages`,
    allWays({ roles: ROLES, marks: [1 << 20, 0] }).filter(({ hidesEnd }) => last.length > 0 || !hidesEnd),
    async (open) => {
      const { subject, peer } = await open({ begin: (subject) => subject.receive(() => {}) });
      const accepted = await fill(subject, peer, 100);
      if (last.length > 0) peer.write(...last);
      peer.line.end();
      await sleep(100);
      peer.line.resume();
      await peer.gone(6000);
      const ending = await end(subject);
      expect(peer.messages.length).toBe(accepted());
      if (last.length > 0) {
        expect(peer.close).toBe("close:4003");
        expect(ending).toEqual({ code: 4003, reason: "bye", wasClean: true });
      } else {
        expect(ending).toMatchObject({ code: 1006, wasClean: false });
      }
    },
  );
}

each("closeTimeout cuts a peer that takes nothing", allWays({ roles: ROLES }), async (open) => {
  const { subject, peer } = await open({
    options: { closeTimeout: 300 },
    begin: (subject) => subject.receive(() => {}),
  });
  await fill(subject, peer, 100);
  subject.close(4004);
  expect(await timed(end(subject))).toBeLessThan(2000);
  expect(await end(subject)).toMatchObject({ code: 1006, wasClean: false });
});

each("close() without a reader: the peer's Close is seen at once, whatever is unread", nodeMarks, async (open) => {
  const { subject, peer } = await open();
  for (let i = 0; i < 40; i++) peer.write(binary(new Uint8Array(65_536)));
  await sleep(100);
  subject.close(4005);
  await peer.until(() => peer.close !== undefined, "no Close");
  peer.write(close(4005));
  peer.line.end();
  expect(await timed(end(subject))).toBeLessThan(AT_ONCE);
  expect(await end(subject)).toMatchObject({ code: 4005, wasClean: true });
});

each("a malformed answer to our Close is kept, but emits no event", nodeWays({ roles: ROLES }), async (open) => {
  const { subject, peer } = await open({ begin: (subject) => subject.receive(() => {}) });
  const errors: unknown[] = [];
  subject.connection.on("error", (error) => errors.push(error));
  subject.close(1000);
  await peer.until(() => peer.close !== undefined, "no Close");
  peer.line.write(Buffer.from("HTTP/1.1 200 OK\r\n\r\n"));
  peer.line.end();
  expect(await end(subject)).toMatchObject({ code: 1006, wasClean: false });
  expect(errors).toEqual([]);
  expect(subject.connection.error).toBeInstanceOf(Error);
});

each(
  'waiting messages go to a listener that exists before "close", which is the last event',
  nodeWays({ roles: ROLES, marks: MARKS }),
  async (open) => {
    const { subject, peer } = await open();
    const { connection } = subject;
    const log: string[] = [];
    connection.on("close", () => log.push("close"));
    peer.write(text("a"), text("b"));
    await sleep(20);
    connection.on("message", (data) => log.push(String(data)));
    peer.write(text("c"), close(1000));
    peer.line.end();
    await end(subject);
    await sleep(20);
    expect(log).toEqual(["a", "b", "c", "close"]);
  },
);

each(
  'without a listener, "close" is emitted, and a later listener gets nothing',
  nodeWays({ roles: ROLES, marks: MARKS }),
  async (open) => {
    const { subject, peer } = await open();
    const { connection } = subject;
    const log: string[] = [];
    connection.on("close", (code) => log.push(`close ${code}`));
    peer.write(text("a"), close(4006));
    peer.line.end();
    expect(await end(subject)).toMatchObject({ code: 4006, wasClean: true });
    connection.on("message", (data) => log.push(String(data)));
    connection.on("ping", () => log.push("ping"));
    await sleep(30);
    expect(log).toEqual(["close 4006"]);
  },
);

each(
  "closed resolves after any kind of end, even if it is first read later",
  nodeWays({ roles: ROLES }),
  async (open) => {
    const ends: [act: (subject: Subject, peer: Peer) => void, expected: object][] = [
      [(_, peer) => (peer.write(close(4007, "x")), peer.line.end()), { code: 4007, reason: "x", wasClean: true }],
      [(_, peer) => (peer.write(close()), peer.line.end()), { code: 1005, reason: "", wasClean: true }],
      [(_, peer) => (peer.write({ opcode: 3 }), peer.line.end()), { code: 1006, reason: "", wasClean: false }],
      [(_, peer) => peer.line.reset(), { code: 1006, reason: "", wasClean: false }],
      [(subject) => subject.discard(), { code: 1006, reason: "", wasClean: false }],
    ];
    for (const [act, expected] of ends) {
      const { subject, peer } = await open({ begin: (subject) => subject.receive(() => {}) });
      act(subject, peer);
      expect(await end(subject)).toEqual(expected);
      expect(await Reflect.get(subject.connection, "closed")).toEqual(expected);
      expect(subject.connection.ending).toEqual(expected);
    }
  },
);

each("leaving a loop closes the connection", allWays({ roles: ROLES, consumers: ["for await"] }), async (open) => {
  const { subject, peer } = await open();
  const got: unknown[] = [];
  const messages = "connection" in subject ? (subject.connection as AsyncIterable<unknown>) : undefined;
  const loop = async (): Promise<void> => {
    for await (const data of messages ?? streamOf(subject)) {
      got.push(data);
      break;
    }
  };
  const looping = loop();
  peer.write(text("a"), text("b"));
  await within(looping, "the loop has not ended");
  await peer.until(() => peer.close !== undefined, "no Close");
  expect(got).toEqual(["a"]);
  peer.write(text("dropped"), close(1000));
  peer.line.end();
  expect((await end(subject)).wasClean).toBe(true);
});

function streamOf(subject: Subject): AsyncIterable<unknown> {
  return (subject as unknown as { pair: { readable: AsyncIterable<unknown> } }).pair.readable;
}

each(
  "readable ends and writable fails with the connection",
  streamsWays({ roles: ROLES, marks: MARKS }),
  async (open) => {
    const { subject, peer } = await open({ begin: (subject) => subject.receive(() => {}) });
    peer.line.reset();
    await within(subject.loopEnded, "the loop has not ended", AT_ONCE);
    expect(await subject.send("late")).toBe(false);
    expect(await end(subject)).toMatchObject({ code: 1006, wasClean: false });
    await until(
      () => !(subject.pair.readable as ReadableStream).locked,
      () => "locked",
    );
  },
);
