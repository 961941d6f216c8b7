// TLS over a custom stream: a handler's call may make another socket read, inside that call.

import { once } from "node:events";
import { createServer } from "node:https";
import { Duplex } from "node:stream";
import { connect as connectTls, type TLSSocket } from "node:tls";
import { expect, test } from "vitest";
import { FrameDecoder } from "../../../src/index.ts";
import { type Connection, upgrade } from "../../../src/node/index.ts";
import { binary, toRole, utf8 } from "../../support/wire.ts";
import { canary } from "../support/bytes.ts";
import { CA, dialWebSocket, request, TLS } from "../support/peer.ts";
import { start } from "../support/server.ts";
import { atEnd, until, watchLeftovers } from "../support/watch.ts";

watchLeftovers();

/** Two ends of a stream in memory. Data that one end writes is read by the other in the same call. */
function pair(): [Duplex, Duplex] {
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk: Buffer, _encoding, callback) {
        other().push(chunk);
        callback();
      },
      final(callback) {
        other().push(null);
        callback();
      },
    });
  const near: Duplex = make(() => far);
  const far: Duplex = make(() => near);
  return [near, far];
}

/** A connection over TLS over such a stream, and its peer. */
async function openInMemory(): Promise<{ readonly connection: Connection; readonly peer: TLSSocket }> {
  const server = createServer(TLS);
  const [near, far] = pair();
  const connections: Connection[] = [];
  server.on("upgrade", (message, socket, head) => {
    connections.push(upgrade(message, socket, head, { directReads: true, directWrites: true })!);
  });
  server.emit("connection", near);
  const peer = connectTls({ socket: far, servername: "localhost", ...CA });
  atEnd(() => {
    peer.destroy();
    near.destroy();
    far.destroy();
  });
  await once(peer, "secureConnect");
  peer.write(request());
  await once(peer, "data");
  await until(
    () => connections.length === 1,
    () => "no connection",
  );
  return { connection: connections[0]!, peer };
}

test("data that another socket reads in the meantime does not get into the chunk that is being decoded", async () => {
  const { connection: inner, peer } = await openInMemory();
  const theirs: Uint8Array[] = [];
  inner.on("message", (data) => theirs.push(data as Uint8Array));
  const bytes = toRole("server", ...Array.from({ length: 100 }, () => binary(new Uint8Array(100).fill(0xbb))));
  const ours: Uint8Array[] = [];
  const { port } = await start({ directReads: true }, (connection) => {
    connection.on("message", (data) => {
      ours.push(data as Uint8Array);
      if (ours.length % 1000 === 1) peer.write(bytes);
    });
  });
  const client = await dialWebSocket(port);
  const count = 20_000;
  // A chunk has more frames than one call of the core finds.
  await client.write(toRole("server", ...Array.from({ length: count }, () => binary(new Uint8Array(20).fill(0xaa)))));
  await until(
    () => ours.length === count && theirs.length === 2000,
    () => `${ours.length} and ${theirs.length} messages`,
  );
  expect(ours.filter((data) => !Buffer.alloc(20, 0xaa).equals(data))).toEqual([]);
  expect(theirs.filter((data) => !Buffer.alloc(100, 0xbb).equals(data))).toEqual([]);
});

test("writes stay in order, one at a time, if the peer answers in the call that writes", async () => {
  const { connection, peer } = await openInMemory();
  const decoder = new FrameDecoder({ role: "client" });
  const received: string[] = [];
  const answers: string[] = [];
  const sent: string[] = [];
  const send = (length: number): void => {
    sent.push(canary(0, sent.length, length));
    expect(connection.send(sent.at(-1)!)).toBe(true);
  };
  const count = 300;
  // Before this call returns, an answer may cause more calls.
  let next = 0;
  let answered = -1;
  peer.on("data", (chunk: Buffer) => {
    for (const { payload } of decoder.decode(chunk)) received.push(Buffer.from(payload).toString());
    if (answered >= 0) return;
    for (answered = next; answered < Math.min(received.length, count); answered++) {
      peer.write(toRole("server", binary(utf8(received[answered]!))));
    }
    next = answered;
    answered = -1;
  });
  connection.on("message", (data) => {
    answers.push(Buffer.from(data).toString());
    // Node itself loses some larger writes that are nested in others.
    send(10 + ((answers.length * 97) % 4000));
    if (answers.length % 3 === 0) void connection.drained().then(() => connection.ping());
  });
  for (let i = 0; i < 5; i++) send(3000);
  await until(
    () => answers.length >= count || connection.readyState !== 1,
    () => `${answers.length} answers, ${received.length} received`,
    20_000,
  );
  expect(connection.error).toBeUndefined();
  const messages = received.filter((payload) => payload !== "");
  expect(messages.length).toBeGreaterThan(count / 2);
  expect(messages.findIndex((message, i) => message !== sent[i])).toBe(-1);
  expect(answers.findIndex((answer, i) => answer !== received[i])).toBe(-1);
});
