// Typical uses of Socket.IO. Each function gets the options that select the WebSocket server, and resolves with a report.

import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { countingProxy, pair, sleep, start, until } from "./support.js";

/** Upgrades from polling to WebSocket while both sides send. */
export async function upgrade(engine) {
  const server = await start(engine);
  const transports = { client: [], server: [] };
  server.io.engine.on("connection", (socket) => {
    transports.server.push(socket.transport.name);
    socket.on("upgrade", ({ name }) => transports.server.push(name));
  });
  const accepted = once(server.io, "connection");
  const client = server.open({ transports: ["polling", "websocket"] });
  client.io.on("open", () => {
    transports.client.push(client.io.engine.transport.name);
    client.io.engine.on("upgrade", ({ name }) => transports.client.push(name));
  });
  const [[socket]] = await Promise.all([accepted, once(client, "connect")]);
  const got = { client: [], server: [] };
  client.on("number", (number) => got.client.push(number));
  socket.on("number", (number) => got.server.push(number));
  for (let number = 0; number < 200; number += 1) {
    client.emit("number", number);
    socket.emit("number", number);
    if (number % 10 === 0) await sleep(1);
    if (number === 150) await until(() => transports.client.length === 2 && transports.server.length === 2);
  }
  await until(() => got.client.length === 200 && got.server.length === 200);
  await server.close();
  return { transports, inOrder: [inOrder(got.client), inOrder(got.server)] };
}

function inOrder(numbers) {
  return numbers.every((number, index) => number === index);
}

export async function rooms(engine) {
  const server = await start(engine);
  const ends = [];
  for (let index = 0; index < 4; index += 1) ends.push(await pair(server));
  const got = ends.map(() => []);
  for (const [index, { client }] of ends.entries()) client.on("news", (text) => got[index].push(text));
  const [first, second, third, fourth] = ends.map(({ socket }) => socket);
  first.join("a");
  second.join(["a", "b"]);
  third.join("b");
  server.io.to("a").emit("news", "a");
  server.io.to("a").to("b").emit("news", "a or b, once");
  server.io.except("a").emit("news", "not a");
  first.to("a").emit("news", "a, but for the first");
  fourth.broadcast.emit("news", "all but the fourth");
  await second.leave("a");
  server.io.in("a").emit("news", "a, without the second");
  server.io.in("b").socketsJoin("c");
  server.io.to("c").emit("news", "c");
  const members = (await server.io.in("c").fetchSockets()).map(({ id }) => id).toSorted();
  server.io.emit("news", "end");
  await until(() => got.every((texts) => texts.at(-1) === "end"));
  await server.close();
  return { got, members: members.join() === [second.id, third.id].toSorted().join() };
}

/** Acknowledgements in both directions, of one client and of a broadcast. */
export async function acknowledgements(engine) {
  const server = await start(engine);
  const { client, socket } = await pair(server);
  const other = await pair(server);
  socket.on("add", (a, b, answer) => answer(a + b));
  socket.on("bytes", (bytes, answer) => answer({ length: bytes.length, bytes: bytes.subarray(1) }));
  socket.on("nothing", () => {});
  client.on("add", (a, b, answer) => answer(a + b));
  client.on("nothing", () => {});
  client.on("who", (answer) => answer("first"));
  other.client.on("who", (answer) => answer("second"));
  client.on("who answers", (answer) => answer("first"));
  const fails = (promise) =>
    promise.then(
      () => "no error",
      (error) => error.message,
    );
  const bytes = await client.emitWithAck("bytes", Buffer.from([1, 2, 3]));
  const report = {
    byServer: await client.emitWithAck("add", 20, 22),
    byClient: await socket.emitWithAck("add", 40, 2),
    bytes: [bytes.length, Buffer.isBuffer(bytes.bytes), [...bytes.bytes]],
    inTime: await client.timeout(5000).emitWithAck("add", 1, 1),
    lateServer: await fails(client.timeout(50).emitWithAck("nothing")),
    lateClient: await fails(socket.timeout(50).emitWithAck("nothing")),
    everybody: (await server.io.timeout(5000).emitWithAck("who")).toSorted(),
    somebody: await new Promise((resolve) => {
      server.io.timeout(100).emit("who answers", (error, answers) => resolve([error.message, answers]));
    }),
  };
  await server.close();
  return report;
}

/** Binary attachments of all kinds, small and large, in both directions. */
export async function binary(engine) {
  const server = await start({ ...engine, maxHttpBufferSize: 8e6 });
  const { client, socket } = await pair(server);
  socket.on("echo", (value, answer) => answer(value));
  const large = randomBytes(3_000_000);
  const view = new Uint8Array(large.buffer, large.byteOffset + 7, 1000);
  const message = {
    text: "x",
    list: [Buffer.from("a"), view, { deep: new Uint8Array([1, 2, 3]).buffer }],
    none: Buffer.alloc(0),
  };
  const echoed = await client.emitWithAck("echo", message);
  const back = await client.emitWithAck("echo", large);
  const pushed = once(client, "push");
  socket.emit("push", large, "between", view);
  const [first, between, second] = await pushed;
  const many = await Promise.all(
    Array.from({ length: 200 }, (_, index) => client.emitWithAck("echo", Buffer.alloc(index * 7, index))),
  );
  await server.close();
  return {
    areBuffers: [echoed.list[0], echoed.list[1], echoed.list[2].deep, echoed.none, back, first].map((value) =>
      Buffer.isBuffer(value),
    ),
    text: [echoed.text, echoed.list[0].toString(), [...echoed.list[2].deep], echoed.none.length],
    equal: [
      echoed.list[1].equals(view),
      back.equals(large),
      first.equals(large),
      between === "between",
      second.equals(view),
    ],
    many: many.every((bytes, index) => bytes.equals(Buffer.alloc(index * 7, index))),
  };
}

/** Recovers a broken connection with its rooms, its data and its missed events. */
export async function recovery(engine) {
  const server = await start({ ...engine, connectionStateRecovery: { maxDisconnectionDuration: 60_000 } });
  const { client, socket } = await pair(server, {
    reconnectionDelay: 50,
    reconnectionDelayMax: 50,
    randomizationFactor: 0,
  });
  const got = [];
  client.on("news", (text) => got.push(text));
  await socket.join("room");
  socket.data.user = "somebody";
  server.io.to("room").emit("news", "before");
  await until(() => got.length === 1);
  const left = once(socket, "disconnect");
  const again = once(server.io, "connection");
  const { id } = client;
  const lost = once(client, "disconnect");
  // The server ends TCP without a Close.
  socket.conn.transport.socket.terminate();
  const reasons = [(await lost)[0], (await left)[0]];
  server.io.to("room").emit("news", "missed");
  server.io.to("another").emit("news", "for others");
  server.io.to("room").emit("news", Buffer.from("missed bytes"));
  const [[next]] = await Promise.all([again, once(client, "connect")]);
  server.io.to("room").emit("news", "after");
  await until(() => got.at(-1) === "after");
  const report = {
    reasons,
    recovered: [client.recovered, next.recovered],
    sameId: client.id === id && next.id === id,
    data: next.data,
    rooms: next.rooms.has("room"),
    got: got.map((value) => (Buffer.isBuffer(value) ? `bytes: ${value}` : value)),
  };
  await server.close();
  return report;
}

/** Finds out which messages are compressed, by the bytes on the TCP connection. */
export async function compression(engine) {
  // ws applies the threshold only without context takeover.
  const perMessageDeflate = { threshold: 1024, serverNoContextTakeover: true, clientNoContextTakeover: true };
  const server = await start({ ...engine, perMessageDeflate, maxHttpBufferSize: 8e6 });
  const proxy = await countingProxy(server.port);
  const { client, socket } = await pair(server, { at: proxy.url, perMessageDeflate });
  socket.on("echo", (value, answer) => answer(value));
  const text = "wsframe ".repeat(10_000);
  /** The number of bytes that the client receives for one event. */
  const cost = async (emitter, value) => {
    const before = proxy.counts.down;
    const came = once(client, "value");
    emitter.emit("value", value);
    const [back] = await came;
    const same = Buffer.isBuffer(value) ? value.equals(back) : value === back;
    await sleep(20);
    return same ? proxy.counts.down - before : -1;
  };
  const below = "a".repeat(900);
  const random = randomBytes(100_000);
  const before = proxy.counts.up;
  const echoed = await client.emitWithAck("echo", text);
  const report = {
    extensions: client.io.engine.transport.ws.extensions,
    above: (await cost(socket, text)) < 2000,
    below: (await cost(socket, below)) > 900,
    random: (await cost(socket, random)) > random.length,
    broadcast: (await cost(server.io, text)) < 2000,
    upwards: [echoed === text, proxy.counts.up - before < 2000],
  };
  await server.close();
  proxy.close();
  return report;
}

/** Checks that a broadcast is one frame, which all clients get unchanged. */
export async function preparedFrames(engine) {
  const server = await start(engine);
  const ends = [await pair(server), await pair(server), await pair(server)];
  const frames = [];
  for (const { socket } of ends) {
    const sender = socket.conn.transport.socket._sender;
    const { sendFrame } = sender;
    sender.sendFrame = (list, callback) => {
      frames.push(list);
      return sendFrame.call(sender, list, callback);
    };
  }
  const came = Promise.all(ends.map(({ client }) => once(client, "news")));
  server.io.emit("news", "\u{1F600}".repeat(100));
  const got = (await came).map(([text]) => text.length);
  const report = {
    got,
    sent: frames.length,
    same: frames.every((list) => list.every((part, index) => part === frames[0][index])),
  };
  await server.close();
  return report;
}

/** Volatile events are dropped while the transport is busy; other events are not. */
export async function volatileEvents(engine) {
  const server = await start(engine);
  const { client, socket } = await pair(server);
  const got = [];
  client.on("value", (value) => got.push(value));
  socket.emit("value", 1);
  socket.volatile.emit("value", "busy");
  server.io.volatile.emit("value", "busy too");
  socket.emit("value", 2);
  await until(() => got.length >= 2 && socket.conn.transport.writable);
  socket.volatile.emit("value", 3);
  await until(() => got.length >= 3);
  await server.close();
  return got;
}

/** Middleware that refuses: of the server, of a namespace, and of a socket. */
export async function middleware(engine) {
  const server = await start(engine);
  server.io.use((socket, next) => {
    const { token } = socket.handshake.auth;
    if (token === "right") return next();
    next(Object.assign(new Error("not authorized"), { data: { token } }));
  });
  server.io.of("/closed").use((socket, next) => next(new Error("closed")));
  const refused = server.open({ auth: { token: "wrong" } });
  const [error] = await once(refused, "connect_error");
  const closed = server.open({ namespace: "/closed", auth: { token: "right" } });
  const [closedError] = await once(closed, "connect_error");
  const unknown = server.open({ namespace: "/nowhere" });
  const [unknownError] = await once(unknown, "connect_error");
  // The connection stays open, so the client can try again.
  refused.auth.token = "right";
  const accepted = once(server.io, "connection");
  refused.connect();
  const [[socket]] = await Promise.all([accepted, once(refused, "connect")]);
  socket.use(([event], next) => next(event === "bad" ? new Error("bad event") : undefined));
  const socketError = new Promise((resolve) => {
    socket.on("error", resolve);
  });
  const good = new Promise((resolve) => {
    socket.on("good", resolve);
  });
  refused.emit("bad");
  refused.emit("good", 1);
  const report = {
    refused: [error.message, error.data],
    closed: closedError.message,
    unknown: unknownError.message,
    later: refused.connected,
    socket: (await socketError).message,
    good: await good,
  };
  await server.close();
  return report;
}

/** The reasons on both sides for each way to end a connection. */
export async function disconnections(engine) {
  const server = await start(engine);
  const ways = {
    clientDisconnects: ({ client }) => client.disconnect(),
    serverDisconnects: ({ socket }) => socket.disconnect(),
    serverClosesConnection: ({ socket }) => socket.disconnect(true),
    clientClosesEngine: ({ client }) => client.io.engine.close(),
    serverTerminates: ({ socket }) => socket.conn.transport.socket.terminate(),
    clientTerminates: ({ client }) => client.io.engine.transport.ws.terminate(),
    serverCloses: ({ socket }) => socket.conn.transport.socket.close(4000, "bye"),
    clientCloses: ({ client }) => client.io.engine.transport.ws.close(4001, "bye"),
    // An opcode that RFC 6455 reserves, masked.
    brokenFrame: ({ client }) => client.io.engine.transport.ws._socket.write(Buffer.from("838000000000", "hex")),
    badPacket: ({ client }) => client.io.engine.transport.ws.send("x"),
  };
  const report = {};
  for (const [name, end] of Object.entries(ways)) {
    const ends = await pair(server, { reconnection: false });
    report[name] = await reasons(ends, () => end(ends));
  }
  const last = await pair(server, { reconnection: false });
  report.serverEnds = await reasons(last, () => void server.io.close());
  await server.close();
  const silent = await start({ ...engine, pingInterval: 400, pingTimeout: 100 });
  const ends = await pair(silent, { reconnection: false });
  report.noPong = await reasons(ends, () => (ends.client.io.engine._sendPacket = () => {}));
  await silent.close();
  return report;
}

/** Events that the server sends in the turn in which it disconnects a client, or closes, are delivered. */
export async function lastWords(engine) {
  const server = await start(engine);
  const text = "x".repeat(100_000);
  const ways = {
    disconnect: (socket) => socket.disconnect(),
    closeConnection: (socket) => socket.disconnect(true),
    end: () => server.io.close(),
  };
  const report = {};
  for (const [name, end] of Object.entries(ways)) {
    const ends = await pair(server, { reconnection: false });
    ends.client.on("bye", (got) => (report[name] = got === text));
    await reasons(ends, () => {
      ends.socket.emit("bye", text);
      void end(ends.socket);
    });
  }
  await server.close();
  return report;
}

/** The reasons on both sides, and the code of the Close that the client received. */
async function reasons({ client, socket }, end) {
  // Without a listener, the error would be thrown.
  socket.on("error", () => {});
  const both = Promise.all([ending(client), ending(socket)]);
  end();
  const [[reason, details], [serverReason]] = await both;
  return { client: reason, server: serverReason, ...(details?.context && { code: details.context.code }) };
}

/** Waits for "disconnect". Unlike once() of node:events, it ignores errors. */
function ending(socket) {
  return new Promise((resolve) => {
    socket.once("disconnect", (...details) => resolve(details));
  });
}

/** A message larger than maxHttpBufferSize ends its connection; a smaller one does not. */
export async function tooLarge(engine) {
  const server = await start({ ...engine, maxHttpBufferSize: 10_000 });
  const report = {};
  for (const [name, value] of [
    ["text", "a".repeat(10_001)],
    ["bytes", Buffer.alloc(10_001)],
  ]) {
    const ends = await pair(server, { reconnection: false });
    ends.socket.on("value", () => (report.came = name));
    ends.socket.on("small", (small, answer) => answer(small.length));
    const small = await ends.client.emitWithAck("small", Buffer.alloc(10_000));
    report[name] = { small, ...(await reasons(ends, () => ends.client.emit("value", value))) };
  }
  await server.close();
  return report;
}

/** Bytes that a slow client has not read wait in order, without loss. */
export async function slowReader(engine) {
  const server = await start(engine);
  const { client, socket } = await pair(server);
  const got = [];
  client.on("value", (number, bytes) => got.push(bytes.length === 100_000 && number));
  client.io.engine.transport.ws._socket.pause();
  for (let number = 0; number < 100; number += 1) socket.emit("value", number, Buffer.alloc(100_000, number));
  await sleep(100);
  const early = got.length;
  client.io.engine.transport.ws._socket.resume();
  await until(() => got.length === 100);
  await server.close();
  return { early: early < 100, inOrder: inOrder(got) };
}
