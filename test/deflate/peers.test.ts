// Tests with ws, raw zlib streams and pako in both directions, and between two sessions in every configuration.

import { once } from "node:events";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import {
  constants,
  createDeflateRaw,
  createInflateRaw,
  type DeflateRaw,
  deflateRawSync,
  type InflateRaw,
  inflateRawSync,
} from "node:zlib";
import { describe, expect, test } from "vitest";
import type { DeflateCodec } from "../../src/deflate/codec/codec.ts";
import { type Zlib, zlibCodec } from "../../src/deflate/codec/zlib.ts";
import { Random } from "../support/random.ts";
import { json, mixed } from "./support/messages.ts";
import { pakoCodec } from "./support/pako-codec.ts";
import { KINDS } from "./support/kinds.ts";
import { bytes, open, parameters, receive, send, sendParts } from "./support/session.ts";

type Callback = (error: Error | null, data: Buffer) => void;

interface WsPerMessageDeflate {
  params: Record<string, number | boolean>;
  compress(data: Uint8Array, fin: boolean, callback: Callback): void;
  decompress(data: Uint8Array, fin: boolean, callback: Callback): void;
  cleanup(): void;
}

const require = createRequire(import.meta.url);
const WsPerMessageDeflate = require(`${dirname(require.resolve("ws/package.json"))}/lib/permessage-deflate.js`) as new (
  options: object,
) => WsPerMessageDeflate;

/** A connection of ws after its handshake. */
class WsEnd {
  readonly #deflate: WsPerMessageDeflate;

  constructor(isServer: boolean, params: Record<string, number | boolean>) {
    this.#deflate = new WsPerMessageDeflate({ isServer, threshold: 0 });
    this.#deflate.params = params;
  }

  send(data: Uint8Array, fin = true): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#deflate.compress(data, fin, (error, result) => (error ? reject(error) : resolve(result)));
    });
  }

  receive(data: Uint8Array): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.#deflate.decompress(data, true, (error, result) => (error ? reject(error) : resolve(result)));
    });
  }

  close(): void {
    this.#deflate.cleanup();
  }
}

/** Passes data through a zlib stream and flushes it. */
async function through(stream: DeflateRaw | InflateRaw, data: Uint8Array): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const collect = (chunk: Buffer): void => void chunks.push(chunk);
  stream.on("data", collect);
  stream.write(data);
  await new Promise<void>((resolve) => stream.flush(constants.Z_SYNC_FLUSH, resolve));
  stream.off("data", collect);
  return Buffer.concat(chunks);
}

function same(actual: Uint8Array, expected: Uint8Array): void {
  expect(Buffer.compare(actual, expected)).toBe(0);
}

function message(random: Random): Uint8Array {
  const length = random.pick([0, 1, 5, 100, 1000, 4000, 20_000, 70_000]);
  return random.pick([json, mixed, (r: Random, n: number): Uint8Array => r.bytes(n)])(
    random,
    random.integer(0, length),
  );
}

function cut(random: Random, data: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = [];
  let at = 0;
  while (at < data.length && parts.length < 10) {
    const end = random.integer(at, data.length);
    parts.push(data.subarray(at, end));
    at = end;
  }
  return [...parts, data.subarray(at)];
}

const CONFIGURATIONS: [agreed: string, params: Record<string, number | boolean>][] = [["", {}]];
for (let bits = 8; bits <= 15; bits++) {
  CONFIGURATIONS.push([
    `server_max_window_bits=${bits}; client_max_window_bits=${23 - bits}`,
    { server_max_window_bits: bits, client_max_window_bits: 23 - bits },
  ]);
}
CONFIGURATIONS.push(
  [
    "server_no_context_takeover; client_no_context_takeover",
    { server_no_context_takeover: true, client_no_context_takeover: true },
  ],
  [
    "server_no_context_takeover; server_max_window_bits=9",
    { server_no_context_takeover: true, server_max_window_bits: 9 },
  ],
  ["client_no_context_takeover", { client_no_context_takeover: true }],
);

describe.each(KINDS)("with ws, %s", (_, { open }) => {
  test.each(CONFIGURATIONS)("%s", async (agreed, params) => {
    const random = new Random(1);
    for (const role of ["server", "client"] as const) {
      const own = open(role, parameters(agreed));
      const peer = new WsEnd(role === "client", params);
      for (let round = 0; round < 25; round++) {
        const out = message(random);
        same(await peer.receive(random.chance(0.5) ? send(own, out)! : sendParts(own, cut(random, out))), out);
        const parts = cut(random, message(random));
        const encoded: Buffer[] = [];
        for (const [i, part] of parts.entries()) encoded.push(await peer.send(part, i === parts.length - 1));
        same(receive(own, Buffer.concat(encoded)), Buffer.concat(parts));
      }
      peer.close();
    }
  });
});

describe.each(KINDS)("with zlib streams, %s", (_, { open }) => {
  test.each([9, 10, 12, 15])("windows of %i bits", async (windowBits) => {
    const random = new Random(2);
    const own = open(
      "server",
      parameters(`server_max_window_bits=${windowBits}; client_max_window_bits=${windowBits}`),
    );
    const deflate = createDeflateRaw({ windowBits });
    const inflate = createInflateRaw({ windowBits });
    for (let round = 0; round < 60; round++) {
      const data = message(random);
      const encoded = data.length === 0 ? Buffer.of(0) : (await through(deflate, data)).subarray(0, -4);
      same(receive(own, encoded), data);
      same(await through(inflate, Buffer.concat([send(own, data)!, Buffer.of(0, 0, 0xff, 0xff)])), data);
    }
    deflate.close();
    inflate.close();
    await once(inflate, "close");
  });
});

/** Ignores dictionaries of raw DEFLATE, like Deno's zlib. */
const withoutDictionary: Zlib = {
  constants,
  deflateRawSync: (data, options) => deflateRawSync(data, { ...options, dictionary: undefined }),
  inflateRawSync: (data, options) => inflateRawSync(data, { ...options, dictionary: undefined }),
};

describe("two sessions", () => {
  const codecs: (DeflateCodec | undefined)[] = [
    undefined,
    zlibCodec(process.getBuiltinModule("node:zlib")),
    zlibCodec(withoutDictionary),
    pakoCodec,
  ];

  test.each(CONFIGURATIONS)("%s", (agreed) => {
    for (const clientCodec of codecs) {
      for (const serverCodec of codecs) {
        const random = new Random(3);
        const client = open("client", parameters(agreed), { codec: clientCodec, threshold: 100 });
        const server = open("server", parameters(agreed), { codec: serverCodec, history: random.integer(0, 32768) });
        for (let round = 0; round < 12; round++) {
          for (const [from, to] of [
            [client, server],
            [server, client],
          ] as const) {
            const data = message(random);
            const encoded = random.chance(0.3)
              ? sendParts(from, cut(random, data))
              : send(from, data, random.pick(["auto", true, true, false] as const));
            if (encoded !== undefined) same(receive(to, encoded), data);
          }
        }
      }
    }
  });
});

describe.each(KINDS)("two sessions, %s", (_, { connect }) => {
  test("exchange messages of every length from 0 to 2,000, and of many up to 70,000", () => {
    const random = new Random(4);
    const data = Buffer.concat([json(random, 60_000), mixed(random, 20_000)]);
    const { client, server } = connect();
    const alone = connect({ serverNoContextTakeover: true, clientNoContextTakeover: true });
    for (let length = 0; length <= 70_000; length += length < 2000 ? 1 : random.integer(1, 1500)) {
      const from = random.integer(0, data.length - length);
      const payload = data.subarray(from, from + length);
      same(receive(server, send(client, payload)!), payload);
      same(receive(alone.client, send(alone.server, payload)!), payload);
    }
  });

  test("exchange messages of some MiB, and one of hundreds", () => {
    const random = new Random(5);
    const { client, server } = connect({ maxInflateRatio: Infinity, level: 1 });
    const block = Buffer.concat([json(random, 500_000), random.bytes(300_000)]);
    for (const times of [2, 7, 20]) {
      const payload = Buffer.concat(Array.from({ length: times }, () => block));
      same(receive(server, send(client, payload)!), payload);
    }
    const large = Buffer.alloc(300 << 20, block.subarray(0, 10_007));
    same(receive(server, send(client, large)!), large);
  });

  test("agree on the parameters of each direction, in every negotiation", () => {
    const random = new Random(6);
    for (let round = 0; round < 60; round++) {
      const options = (): object => ({
        ...(random.chance(0.3) && { serverNoContextTakeover: true }),
        ...(random.chance(0.3) && { clientNoContextTakeover: true }),
        ...(random.chance(0.5) && { serverMaxWindowBits: random.integer(8, 15) }),
        ...(random.chance(0.5) && { clientMaxWindowBits: random.integer(8, 15) }),
      });
      const { client, server } = connect(options(), options());
      for (let i = 0; i < 6; i++) {
        const data = json(random, 4000);
        same(receive(server, send(client, data)!), data);
        same(receive(client, send(server, data)!), data);
      }
    }
  });
});

test("a zlib that ignores dictionaries still inflates with context, within the limits", () => {
  const random = new Random(7);
  const codec = zlibCodec(withoutDictionary);
  const sender = open("client");
  const receiver = open("server", [], { codec });
  for (let i = 0; i < 20; i++) {
    const data = json(random, 5000);
    same(receive(receiver, send(sender, data)!, data.length), data);
  }
  const data = json(random, 5000);
  const encoded = send(sender, data)!;
  expect(() => receive(receiver, encoded, data.length - 1)).toThrow("inflates to more than");
});

test("pako keeps to the limits, too", () => {
  const zeros = send(open("client"), new Uint8Array(50 << 20))!;
  const receiver = open("server", [], { codec: pakoCodec });
  const before = process.memoryUsage().arrayBuffers;
  expect(() => receive(receiver, zeros, 100_000)).toThrow("inflates to more than 100000 bytes");
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10 << 20);
  expect(() => receive(receiver, zeros)).toThrow("maxInflateRatio");
  expect(() => receive(receiver, bytes("no data"))).toThrow("not valid compressed data");
});

test("the source imports no runtime module, so it bundles for browsers", async () => {
  const { build } = await import("esbuild");
  const entry = new URL("../../src/deflate/per-message-deflate.ts", import.meta.url);
  const { metafile } = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    write: false,
    metafile: true,
    platform: "browser",
    format: "esm",
  });
  const imports = Object.values(metafile.inputs).flatMap((input) => input.imports);
  expect(imports.filter(({ external }) => external)).toEqual([]);
});
