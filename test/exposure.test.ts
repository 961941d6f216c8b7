// A view can be widened through its `buffer`. Around the bytes that the package returns, that buffer holds only bytes
// of the same owner, or zeros, and never earlier contents of memory. In these tests, memory is full of a canary, and so
// are all messages of other connections.

import { constants, deflateRawSync, inflateRawSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { LANDING, OUTPUT, OUTPUT_SIZE, TABLE, WINDOW, WINDOW_SIZE } from "../assembly/memory.ts";
import { enginesFor } from "../src/core/engines.ts";
import {
  createRequest,
  type DeflateCodec,
  encodeFrame,
  type Extension,
  FrameDecoder,
  FrameEncoder,
  type IncomingMessage,
  perMessageDeflate,
  PreparedMessage,
  Protocol,
  type ProtocolEvent,
  type ProtocolOptions,
  rejectHandshake,
  RequestParser,
  type Role,
  serializeRequest,
  serializeResponse,
  WebSocketError,
  type Zlib,
  zlibCodec,
} from "../src/index.ts";
import { connect, serve } from "../src/node/index.ts";
import { FrameDecoderStream, FrameEncoderStream, openWebSocketStream } from "../src/streams/index.ts";
import { json } from "./deflate/support/messages.ts";
import { concat } from "./reference/serialize.ts";
import { all, duplexes, from } from "./streams/support.ts";
import { Random } from "./support/random.ts";

const CANARY = 0xc5;
/** This many in a row are not a coincidence. Compressed and masked bytes may contain a few. */
const RUN = Buffer.alloc(8, CANARY);
/** The number of canaries on both sides of a short buffer, because Node's pool also holds other data. */
const POOL_MARGIN = 1024;

const { allocUnsafe, allocUnsafeSlow } = Buffer;

beforeAll(() => {
  // node:zlib and this package look these up for each call.
  Buffer.allocUnsafe = (size) => {
    const margin = size < Buffer.poolSize >>> 1 ? POOL_MARGIN : 0;
    return Buffer.from(poisoned(size + 2 * margin).buffer, margin, size);
  };
  Buffer.allocUnsafeSlow = (size) => Buffer.from(poisoned(size).buffer);
});

afterAll(() => {
  Object.assign(Buffer, { allocUnsafe, allocUnsafeSlow });
});

function poisoned(length: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(length).fill(CANARY);
}

/** Counts the checked outputs by name, so that none is left out unnoticed. */
class Looked {
  readonly counts = new Map<string, number>();

  /** Checks that the whole buffer has no bytes of others. */
  clean(what: string, bytes: Uint8Array): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
    if (Buffer.from(bytes.buffer).includes(RUN))
      throw new Error(`${what} of ${bytes.length} bytes exposes others' bytes`);
  }

  /** Checks that the whole buffer has only these bytes and zeros. */
  alone(what: string, bytes: Uint8Array): void {
    this.clean(what, bytes);
    const whole = new Uint8Array(bytes.buffer);
    const around = [whole.subarray(0, bytes.byteOffset), whole.subarray(bytes.byteOffset + bytes.length)];
    if (around.some((part) => part.some((byte) => byte !== 0))) {
      throw new Error(`${what} of ${bytes.length} bytes is not alone in its buffer of ${whole.length}`);
    }
  }

  expect(...what: string[]): void {
    expect([...this.counts.keys()].sort()).toEqual(what.sort());
  }
}

const random = new Random(1);
/** Lengths around those at which the kind of buffer changes. */
const LENGTHS = [
  0, 1, 125, 126, 500, 1023, 1024, 1500, 3000, 4095, 4096, 5000, 17_000, 65_535, 65_536, 70_000, 200_000,
];
const MESSAGES: readonly Uint8Array[] = LENGTHS.flatMap((length): Uint8Array[] => [
  json(random, length).slice(0, length),
  new Uint8Array(length).fill(0x41),
]).concat(
  // Their last bytes are at different distances from the end of zlib's first chunk.
  Array.from({ length: 40 }, () => {
    const noise = random.bytes(random.integer(600, 3000));
    return concat([noise, new Uint8Array(7 * noise.length - random.integer(0, 900))]);
  }),
);
/** Like Deno's zlib, which ignores dictionaries for raw DEFLATE. */
const withoutDictionary: Zlib = {
  constants,
  deflateRawSync: (data, options) => deflateRawSync(data, { ...options, dictionary: undefined }),
  inflateRawSync: (data, options) => inflateRawSync(data, { ...options, dictionary: undefined }),
};
const keys = { maskKey: Uint8Array.of(1, 2, 3, 4) };
const stored = perMessageDeflate({ level: 0, threshold: 0 });

/** Cuts bytes into pieces of a few bytes to a few KiB. */
function* cut(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length;) {
    const size = at === 0 ? 9 : random.integer(1, 30_000);
    yield bytes.slice(at, at + size);
    at += size;
  }
}

for (const core of ["wasm", "portable"] as const) {
  /**
   * Another connection of the same thread, on the same core, whose messages are canaries. It overwrites all shared
   * memory.
   */
  const disturb = (): void => {
    const { bytes } = enginesFor(core).first();
    for (const [at, size] of [
      [WINDOW, WINDOW_SIZE],
      [LANDING, WINDOW_SIZE],
      [OUTPUT, OUTPUT_SIZE],
      [TABLE, WINDOW - TABLE - 64],
    ] as const) {
      bytes.fill(CANARY, at, at + size);
    }
    const [client, server] = (["client", "server"] as const).map(
      (role) => new Protocol({ role, core, extensions: [stored], ...keys }),
    ) as [Protocol, Protocol];
    client.send(poisoned(15_000), { compress: true });
    for (const part of client.take()) expect(server.receive(part)).toHaveLength(1);
  };

  for (const role of ["server", "client"] as const) {
    const peer: Role = role === "server" ? "client" : "server";

    describe(`${role}, ${core} core`, () => {
      test("frames in", () => {
        const looked = new Looked();
        for (const payload of MESSAGES) {
          const stream = concat([
            encodeFrame({ opcode: 2, payload }, { role: peer, ...keys }),
            encodeFrame({ opcode: 9, payload: "ping" }, { role: peer, ...keys }),
          ]);
          for (const copy of [false, true]) {
            const decoder = new FrameDecoder({ role, core, copy, allocate: poisoned });
            for (const chunk of cut(stream)) {
              disturb();
              for (const frame of decoder.decode(chunk)) {
                looked.clean("frame.payload", frame.payload);
                if (frame.maskKey) looked.alone("frame.maskKey", frame.maskKey);
              }
              looked.alone("save()", decoder.save());
            }
          }
          disturb();
          new FrameDecoder({ role, core }).push(stream, {
            header({ maskKey }) {
              if (maskKey) looked.alone("header.maskKey", maskKey);
            },
            // The window belongs to the core, as documented.
            payload: (window, start, end) => looked.clean("window[start, end)", window.slice(start, end)),
            end() {},
          });
          try {
            new FrameDecoder({ role, core, copy: true }).decode(concat([stream, Uint8Array.of(0x83, 0)]));
          } catch (error) {
            if (!(error instanceof WebSocketError)) throw error;
            for (const frame of error.frames) looked.clean("error.frames", frame.payload);
          }
        }
        const masked = role === "server" ? ["frame.maskKey", "header.maskKey"] : [];
        looked.expect("frame.payload", "save()", "window[start, end)", "error.frames", ...masked);
      });

      test("frames out", () => {
        const looked = new Looked();
        const options = { role, core, ...keys };
        for (const payload of MESSAGES) {
          disturb();
          const encoder = new FrameEncoder(options);
          encoder.binary(payload);
          encoder.text("é".repeat(payload.length));
          encoder.ping("ping");
          encoder.prepared(new PreparedMessage(payload));
          encoder.text("A".repeat(payload.length));
          encoder.close(1000, "done");
          for (const part of encoder.take()) looked.clean("take()", part);
          disturb();
          looked.alone("encodeFrame()", encodeFrame({ opcode: 2, payload }, options));
          looked.alone("encodeFrame()", encodeFrame({ opcode: 1, payload: "é".repeat(payload.length) }, options));
          const prepared = new PreparedMessage(payload);
          looked.clean("prepared.payload", prepared.payload);
          looked.alone("prepared.frame", prepared.frame);
        }
        looked.expect("take()", "encodeFrame()", "prepared.payload", "prepared.frame");
      });

      /** Checks everything that a Protocol delivers from its peer, with the stream cut anywhere. */
      const receiveAll = (
        looked: Looked,
        options: Omit<ProtocolOptions, "role">,
        send: (sender: Protocol) => void,
      ): void => {
        const receiver = new Protocol({ role, core, allocate: poisoned, ...keys, ...options });
        const sender = new Protocol({ role: peer, core, ...keys, ...options });
        send(sender);
        const see = (event: ProtocolEvent): void => {
          if (event.type === "error") throw event.error;
          if ("data" in event && typeof event.data !== "string") looked.alone(event.type, event.data);
        };
        for (const chunk of cut(concat(sender.take()))) {
          disturb();
          receiver.receive(chunk).forEach(see);
        }
        for (const part of receiver.take()) looked.alone("pongs", part);
      };

      const inEveryWay = (sender: Protocol): void => {
        for (const payload of MESSAGES) {
          sender.send(payload, { compress: true });
          sender.send(payload, { compress: true, fragmentSize: 1 + (payload.length >> 2) });
          sender.send(payload.subarray(0, payload.length >> 1), { compress: true, fin: false });
          sender.send(payload.subarray(payload.length >> 1), { compress: true });
          sender.ping(payload.subarray(0, 125));
          sender.pong(payload.subarray(0, 125));
        }
      };

      test("messages in", () => {
        const looked = new Looked();
        receiveAll(looked, {}, inEveryWay);
        looked.expect("binary", "ping", "pong", "pongs");
      });

      test("messages in pieces", () => {
        const looked = new Looked();
        receiveAll(looked, { fragments: true }, inEveryWay);
        looked.expect("piece", "ping", "pong", "pongs");
      });

      test("compressed messages in", () => {
        for (const fragments of [false, true]) {
          for (const zlib of [undefined, zlibCodec(withoutDictionary)]) {
            const looked = new Looked();
            receiveAll(looked, { fragments, extensions: [perMessageDeflate({ codec: zlib })] }, inEveryWay);
            looked.expect(fragments ? "piece" : "binary", "ping", "pong", "pongs");
          }
        }
      });

      test("messages in through an extension that leaves them unchanged", () => {
        const looked = new Looked();
        const extension: Extension = {
          name: "x-same",
          rsv: 2,
          offer: () => [[]],
          accept: () => [],
          confirm: () => true,
          open: () => ({
            encode: ({ payload }) => payload,
            decode({ payload }: IncomingMessage) {
              looked.alone("message.payload", payload);
              return payload;
            },
          }),
        };
        receiveAll(looked, { extensions: [extension] }, inEveryWay);
        looked.expect("message.payload", "binary", "ping", "pong", "pongs");
      });

      test("messages out, and the output of the extension", () => {
        const looked = new Looked();
        const extension = perMessageDeflate({ threshold: 0 });
        const session = extension.open(role, []);
        const sender = new Protocol({ role, core, extensions: [extension], ...keys });
        const encoded = new Map<string, Uint8Array>();
        for (const payload of MESSAGES) {
          disturb();
          const prepared = new PreparedMessage(payload);
          sender.send(payload, { compress: true });
          sender.send(payload, { compress: false });
          sender.send(prepared, { compress: true });
          sender.send(payload, { compress: true, fragmentSize: 1000 });
          sender.send("é".repeat(payload.length >> 1));
          for (const part of sender.take()) looked.clean("take()", part);
          encoded.clear();
          const part = { payload, text: false, first: true, compress: true };
          for (const last of [false, true]) looked.clean("encode()", session.encode({ ...part, last })!);
          looked.clean("encodePrepared()", session.encodePrepared!(prepared.payload, encoded, true)!);
        }
        looked.expect("take()", "encode()", "encodePrepared()");
      });
    });
  }

  test(`the input and output of a codec, ${core} core`, () => {
    const looked = new Looked();
    const zlib = zlibCodec(process.getBuiltinModule("node:zlib"));
    /** Places a result in a pool, as some codecs do, between the bytes of others. */
    const pooled = (bytes: Uint8Array): Uint8Array => {
      const pool = poisoned(bytes.length + 200);
      pool.set(bytes, 100);
      return pool.subarray(100, 100 + bytes.length);
    };
    const codec: DeflateCodec = {
      deflate(data, settings) {
        looked.clean("dictionary", settings.dictionary);
        const result = zlib.deflate(data, settings);
        looked.alone("zlibCodec().deflate()", result);
        return pooled(result);
      },
      inflate(data, settings) {
        looked.clean("data", data);
        looked.clean("dictionary", settings.dictionary);
        const result = zlib.inflate(data, settings);
        looked.alone("zlibCodec().inflate()", result.data);
        return { ...result, data: pooled(result.data) };
      },
    };
    const extension = perMessageDeflate({ codec, threshold: 0 });
    const [client, server] = (["client", "server"] as const).map((role) => extension.open(role, []));
    for (const payload of MESSAGES) {
      disturb();
      const encoded = client!.encode({ payload, text: false, first: true, last: true, compress: true })!;
      looked.clean("encode()", encoded);
      disturb();
      const decoded = server!.decode({ payload: encoded, maxLength: Infinity, byteOffset: 0 });
      looked.alone("decode()", decoded);
      expect(Buffer.compare(decoded, payload)).toBe(0);
    }
    const names = ["dictionary", "data", "encode()", "decode()", "zlibCodec().deflate()", "zlibCodec().inflate()"];
    looked.expect(...names);
  });

  test(`streams, ${core} core`, async () => {
    const looked = new Looked();
    const encoder = new FrameEncoderStream({ role: "client", core, ...keys });
    const parts = all(from(MESSAGES).pipeThrough(encoder));
    for (const part of (await parts).items) looked.clean("FrameEncoderStream", part);
    const stream = concat((await parts).items);
    disturb();
    const decoder = new FrameDecoderStream({ role: "server", core, copy: true, allocate: poisoned });
    const frames = await all(from(cut(stream)).pipeThrough(decoder));
    for (const frame of frames.items) looked.clean("FrameDecoderStream", frame.payload);

    const { near, far, chunks } = duplexes();
    const options = { core, extensions: [perMessageDeflate({ threshold: 2000 })], allocate: poisoned, ...keys };
    const client = openWebSocketStream(near, { role: "client", ...options });
    const server = openWebSocketStream(far, { role: "server", ...options });
    disturb();
    const done = from(MESSAGES).pipeTo(client.writable);
    const { items } = await all(server.readable);
    await done;
    expect(items).toHaveLength(MESSAGES.length);
    for (const item of items) if (typeof item !== "string") looked.alone("WebSocketStream", item);
    for (const chunk of chunks) looked.clean("chunk written", chunk);
    looked.expect("FrameEncoderStream", "FrameDecoderStream", "WebSocketStream", "chunk written");
  });

  test(`sockets, ${core} core`, async () => {
    for (const extensions of [[], [perMessageDeflate({ threshold: 2000 })]]) {
      const looked = new Looked();
      let toServer = 0;
      const server = await serve({ port: 0, host: "127.0.0.1", core, extensions }, (connection) => {
        connection.on("ping", (data) => looked.alone("ping", data));
        connection.on("message", (data) => {
          if (typeof data === "string") throw new Error("text");
          looked.alone("message", data);
          // Send later, because the core is in use now.
          setImmediate(disturb);
          connection.send(data);
          toServer++;
        });
      });
      const client = await connect(`ws://127.0.0.1:${server.port}`, { core, extensions });
      client.on("pong", (data) => looked.alone("pong", data));
      async function* pieces(message: Uint8Array): AsyncGenerator<Uint8Array> {
        yield message.subarray(0, message.length >> 1);
        yield message.subarray(message.length >> 1);
      }
      const sending = (async () => {
        for (const message of MESSAGES) {
          client.send(message);
          client.ping("ping");
          await client.send(pieces(message));
        }
      })();
      let toClient = 0;
      for await (const message of client) {
        if (typeof message === "string") throw new Error("text");
        looked.alone("for await", message);
        if (++toClient === 2 * MESSAGES.length) break;
      }
      await sending;
      expect(toServer).toBe(2 * MESSAGES.length);
      await server.close();
      looked.expect("ping", "pong", "message", "for await");
    }
  });
}

test("handshakes", () => {
  const looked = new Looked();
  const request = serializeRequest(createRequest("ws://localhost/", { headers: [["X-Name", "value"]] }));
  looked.alone("serializeRequest()", request);
  const rejection = rejectHandshake({ status: 403, body: "é".repeat(100) });
  looked.alone("serializeResponse()", serializeResponse(rejection));
  const parser = new RequestParser();
  for (const [i, chunk] of [request.slice(0, 10), concat([request.slice(10), new Uint8Array(3)])].entries()) {
    const head = parser.push(chunk);
    if (i === 1) looked.clean("rest", head!.rest);
  }
  looked.expect("serializeRequest()", "serializeResponse()", "rest");
});

test("the canary works: zlib's own results expose it", () => {
  const encoded = deflateRawSync("Hello", { finishFlush: constants.Z_SYNC_FLUSH });
  for (const result of [encoded, inflateRawSync(deflateRawSync("Hello"))]) {
    expect(Buffer.from(result.buffer).includes(RUN)).toBe(true);
    expect(() => new Looked().clean("zlib", result)).toThrow("exposes");
  }
});
