// Random peers, with valid and invalid frames: wsframe/ws must behave as ws. Differences in the table are left out.

import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { RawFrame } from "../reference/serialize.ts";
import { Random } from "../support/random.ts";
import { type Implementation, ours, reference, type ServerOptions, type Socket } from "./support/implementations.ts";
import { reached, record } from "./support/log.ts";
import { plainRequest, streamPair } from "./support/memory.ts";
import { Raw } from "./support/raw.ts";

/** For longer runs, set RANDOM_PEERS to the number of peers, and RANDOM_SEED to the first seed. */
const RUNS = Number(process.env["RANDOM_PEERS"] ?? 40);

interface Plan {
  readonly options: ServerOptions;
  readonly binaryType: string;
  readonly compressed: boolean;
  readonly frames: readonly RawFrame[];
  /** The ends of the chunks, as fractions of the length of the stream. */
  readonly cuts: readonly number[];
  /** The reaction of the socket to the message with this index. */
  readonly reactions: ReadonlyMap<number, string>;
  readonly ending: "close" | "end";
}

const TEXTS = ["", "a", "hello", "größer", "€".repeat(50), "x".repeat(300), "y".repeat(70_000)];

function payload(random: Random, isText: boolean): Buffer {
  if (isText) return Buffer.from(random.pick(TEXTS));
  return Buffer.from(random.bytes(random.pick([0, 1, 10, 125, 126, 300])));
}

/** A message in one or several frames, sometimes with control frames between them. */
function message(random: Random, compresses: boolean): RawFrame[] {
  const isText = random.chance(0.5);
  let data = payload(random, isText);
  const rsv = compresses && random.chance(0.5) ? 4 : 0;
  if (rsv) data = deflateRawSync(data, { finishFlush: 2 }).subarray(0, -4);
  const frames: RawFrame[] = [];
  const parts = random.chance(0.6) ? 1 : random.integer(2, 5);
  for (let part = 0, at = 0; part < parts; part++) {
    const end = part === parts - 1 ? data.length : random.integer(at, data.length);
    const opcode = part > 0 ? 0 : isText ? 1 : 2;
    frames.push({ opcode, fin: part === parts - 1, rsv: part > 0 ? 0 : rsv, payload: data.subarray(at, end) });
    if (random.chance(0.1)) frames.push(control(random));
    at = end;
  }
  return frames;
}

function control(random: Random): RawFrame {
  return { opcode: random.pick([9, 10]), payload: Buffer.from("x".repeat(random.pick([0, 1, 125]))) };
}

/** A frame that is invalid in most cases. */
function wrong(random: Random): RawFrame {
  const kinds: readonly (() => RawFrame)[] = [
    () => ({ opcode: random.integer(3, 7) }),
    () => ({ opcode: random.integer(11, 15) }),
    () => ({ opcode: 1, rsv: random.integer(1, 7), payload: Buffer.from("x") }),
    () => ({ opcode: 0, payload: Buffer.from("x") }),
    () => ({ opcode: 9, fin: false }),
    () => ({ opcode: 9, payload: Buffer.alloc(126) }),
    () => ({ opcode: 8, payload: Buffer.of(3) }),
    () => ({ opcode: 8, payload: Buffer.of(random.integer(0, 20), random.integer(0, 255)) }),
    () => ({ opcode: 8, payload: Buffer.of(3, 232, 0xff) }),
    () => ({ opcode: 1, payload: Buffer.of(0x61, 0xff) }),
    () => ({ opcode: 2, claimedLength: 2n ** 62n }),
    () => ({ opcode: 1, rsv: 4, payload: Buffer.of(0xff, 0xff, 0xff) }),
    () => ({ opcode: 2, maskKey: [0, 0, 0, 0], payload: Buffer.from("zero") }),
    () => ({ opcode: 2, maskKey: undefined, payload: Buffer.from("unmasked") }),
  ];
  return random.pick(kinds)();
}

function plan(seed: number): Plan {
  const random = new Random(seed);
  const compressed = random.chance(0.3);
  const frames: RawFrame[] = [];
  const count = random.integer(1, 8);
  for (let index = 0; index < count; index++) {
    const kind = random.next();
    if (kind < 0.7) frames.push(...message(random, compressed));
    else if (kind < 0.88) frames.push(control(random));
    else frames.push(wrong(random));
  }
  const ending = random.pick(["close", "close", "end"] as const);
  if (ending === "close") {
    const code = random.pick([undefined, 1000, 1001, 3000, 4999]);
    const reason = Buffer.from(random.pick(["", "bye", "größer"]));
    const bytes = code === undefined ? Buffer.alloc(0) : Buffer.concat([Buffer.of(code >> 8, code & 255), reason]);
    frames.push({ opcode: 8, payload: bytes });
    if (random.chance(0.3)) frames.push(control(random));
  }
  const reactions = new Map<number, string>();
  for (let index = 0; index < 8; index++) {
    if (random.chance(0.4)) reactions.set(index, random.pick(["echo", "echo", "ping", "close", "fragments"]));
  }
  const maxPayload = compressed ? 0 : random.pick([0, 100, 104857600]);
  const allowSynchronousEvents = random.chance(0.7);
  const pieces = random.pick([0, 0, 1, 3, 10]);
  return {
    options: {
      autoPong: random.chance(0.8),
      closeTimeout: 1000,
      // No limit with compression, because ws may notice earlier that a message in fragments is too long.
      maxPayload,
      // Only one limit at a time, because ws checks limits in another order.
      maxFragments: maxPayload === 100 ? 0 : random.pick([0, 3, 16384]),
      allowSynchronousEvents,
      perMessageDeflate: compressed,
    },
    binaryType: random.pick(["nodebuffer", "arraybuffer", "blob"]),
    compressed,
    frames,
    // No cuts with one event per turn, because ws 8.23 throws if chunks arrive meanwhile.
    cuts: Array.from({ length: allowSynchronousEvents ? pieces : 0 }, () => random.next()).toSorted((a, b) => a - b),
    reactions,
    ending,
  };
}

function react(socket: Socket, reaction: string | undefined, data: unknown, isBinary: boolean, log: string[]): void {
  const callback = (error?: Error | null): void => void log.push(`sent ${error ? error.message : "well"}`);
  if (reaction === "echo" && !(data instanceof Blob))
    socket.send(data as Buffer, { binary: isBinary, compress: false }, callback);
  else if (reaction === "ping") socket.ping("of the socket");
  else if (reaction === "close") socket.close(4000, "of the socket");
  else if (reaction === "fragments") {
    socket.send("one", { fin: false, compress: false });
    socket.send("two", { compress: false });
  }
}

async function run(
  { WebSocket, WebSocketServer }: Implementation,
  role: "server" | "client",
  what: Plan,
): Promise<object> {
  const [near, far] = streamPair();
  const raw = new Raw(far, role === "server" ? "client" : "server");
  let socket!: Socket;
  if (role === "server") {
    const server = new WebSocketServer({ ...what.options, noServer: true });
    const more = what.compressed ? { "sec-websocket-extensions": "permessage-deflate" } : undefined;
    server.handleUpgrade(plainRequest(more), near, Buffer.alloc(0), (accepted) => (socket = accepted));
    await raw.handshake();
  } else {
    const Class = WebSocket as unknown as new (...args: unknown[]) => Socket & {
      _isServer: boolean;
      setSocket(...args: unknown[]): void;
    };
    const client = new Class(null, undefined, what.options);
    client._isServer = false;
    client.setSocket(near, Buffer.alloc(0), what.options);
    raw.received = Buffer.from("\r\n\r\n");
    socket = client;
  }
  socket.binaryType = what.binaryType as "nodebuffer";
  const log = record(socket);
  const sent: string[] = [];
  let index = 0;
  socket.on("message", (data, isBinary) => react(socket, what.reactions.get(index++), data, isBinary, sent));
  const bytes = raw.serialize(...what.frames);
  let at = 0;
  for (const cut of [...what.cuts, 1]) {
    const end = Math.floor(cut * bytes.length);
    if (end > at && !far.destroyed) far.write(bytes.subarray(at, end));
    at = end;
  }
  if (what.ending === "end") far.end();
  await reached(
    () => raw.ended || raw.closed || log.at(-1)?.startsWith("close ") === true,
    () => `it goes on: ${log.join()}`,
  );
  far.end();
  await reached(
    () => log.at(-1)?.startsWith("close ") === true,
    () => `no close: ${log.join()}`,
  );
  const told = raw.frames;
  near.destroy();
  far.destroy();
  // If the peer ends without a Close, the number of answers depends on timing.
  return what.ending === "close" ? { log, told, sent: sent.toSorted() } : { log };
}

describe.each(["server", "client"] as const)("a %s", (role) => {
  test(`behaves as ws with ${RUNS} peers`, { timeout: 600_000 }, async () => {
    const first = Number(process.env["RANDOM_SEED"] ?? 1);
    for (let seed = first; seed < first + RUNS; seed++) {
      const what = plan(seed);
      const [theirs, own] = [await run(reference, role, what), await run(ours, role, what)];
      expect({ seed, ...own }, JSON.stringify(what.reactions)).toEqual({ seed, ...theirs });
    }
  });
});
