// The class PerMessageDeflate, and the extension that connections use for the same options.

import { constants } from "node:zlib";
import { describe, expect, test } from "vitest";
import { extensionOf, formatParameters, type PerMessageDeflateOptions } from "../../../src/ws/deflate-options.ts";
import { text } from "../../deflate/support/session.ts";
import { Random } from "../../support/random.ts";
import { both, outcome, ours, type Parts, theirs } from "./support/both.ts";

type Deflate = InstanceType<Parts["PerMessageDeflate"]>;

const { extension } = theirs;
const JSON_MESSAGE = Buffer.from(JSON.stringify(Array.from({ length: 50 }, (_, id) => ({ id, name: `name ${id}` }))));

function compress(deflate: Deflate, data: string | Buffer, fin = true): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    deflate.compress(data, fin, (error, result) => (error === null ? resolve(result!) : reject(error)));
  });
}

function decompress(deflate: Deflate, data: Uint8Array, fin = true): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    deflate.decompress(data, fin, (error, result) => (error === null ? resolve(result!) : reject(error)));
  });
}

/** The parameters of permessage-deflate in a header. */
function offersOf(header: string) {
  return extension.parse(header)["permessage-deflate"]!;
}

const BITS = [undefined, true, false, 8, 10, 15];
const FLAGS = [undefined, true, false];
const OPTIONS: PerMessageDeflateOptions[] = [
  {},
  ...FLAGS.flatMap((serverNoContextTakeover) =>
    FLAGS.map((clientNoContextTakeover) => ({ serverNoContextTakeover, clientNoContextTakeover })),
  ),
  ...BITS.flatMap((serverMaxWindowBits) =>
    BITS.map((clientMaxWindowBits) => ({ serverMaxWindowBits, clientMaxWindowBits })),
  ),
  { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 9, clientMaxWindowBits: 11 },
];
const HEADERS = [
  "permessage-deflate",
  "permessage-deflate; client_max_window_bits",
  "permessage-deflate; client_max_window_bits=9; server_no_context_takeover",
  "permessage-deflate; client_max_window_bits=12; server_max_window_bits=12",
  "permessage-deflate; server_max_window_bits=8; client_no_context_takeover",
  "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
  "permessage-deflate; server_max_window_bits=8, permessage-deflate; client_max_window_bits, permessage-deflate",
];

describe.each(both)("%s: PerMessageDeflate", (_, { PerMessageDeflate }) => {
  test("has a name, and no parameters before accept()", () => {
    expect(PerMessageDeflate.extensionName).toBe("permessage-deflate");
    expect(new PerMessageDeflate().params).toBe(null);
  });

  test("offers its options", () => {
    expect(new PerMessageDeflate().offer()).toEqual({ client_max_window_bits: true });
    expect(new PerMessageDeflate({ clientMaxWindowBits: false }).offer()).toEqual({});
    const all = { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 9 };
    expect(new PerMessageDeflate({ ...all, clientMaxWindowBits: 10 }).offer()).toEqual({
      server_no_context_takeover: true,
      client_no_context_takeover: true,
      server_max_window_bits: 9,
      client_max_window_bits: 10,
    });
  });

  test.each([
    ["; foo", 'Unknown parameter "foo"', Error],
    ["; server_no_context_takeover; server_no_context_takeover", "must have only a single value", Error],
    ["; server_no_context_takeover=1", 'Invalid value for parameter "server_no_context_takeover": 1', TypeError],
    ["; client_max_window_bits=16", 'Invalid value for parameter "client_max_window_bits": 16', TypeError],
    ["; server_max_window_bits", 'Invalid value for parameter "server_max_window_bits": true', TypeError],
  ])("refuses %s", (parameters, message, type) => {
    for (const isServer of [true, false]) {
      const accept = () => new PerMessageDeflate({ isServer }).accept(offersOf(`permessage-deflate${parameters}`));
      expect(accept).toThrow(type);
      expect(accept).toThrow(message);
    }
  });

  test("refuses, as a client, parameters that only a client may send", () => {
    const accept = () => new PerMessageDeflate().accept(offersOf("permessage-deflate; client_max_window_bits"));
    expect(accept).toThrow(new TypeError('Invalid value for parameter "client_max_window_bits": true'));
  });

  test("inflates what the other side compresses, in one piece and in several", async () => {
    const sender = new PerMessageDeflate();
    const receiver = new PerMessageDeflate({ isServer: true });
    for (const each of [sender, receiver]) each.accept([{}]);
    const lengths: number[] = [];
    for (const message of [JSON_MESSAGE, JSON_MESSAGE, Buffer.from("é"), new Random(1).bytes(100_000)]) {
      const compressed = await compress(sender, Buffer.from(message));
      lengths.push(compressed.length);
      expect(Buffer.compare(await decompress(receiver, compressed), message)).toBe(0);
    }
    // The second message equals the first, which is still in the window.
    expect(lengths[1]).toBeLessThan(lengths[0]! / 4);
    const first = await compress(sender, JSON_MESSAGE.subarray(0, 500), false);
    const second = await compress(sender, JSON_MESSAGE.subarray(500), true);
    const pieces = [await decompress(receiver, first, false), await decompress(receiver, second, true)];
    expect(pieces).toEqual([JSON_MESSAGE.subarray(0, 500), JSON_MESSAGE.subarray(500)]);
    expect(await decompress(receiver, await compress(sender, "text"))).toEqual(Buffer.from("text"));
  });

  test("drops the context if that was negotiated", async () => {
    const parameters = { client_no_context_takeover: [true as const], server_no_context_takeover: [true as const] };
    const sender = new PerMessageDeflate({ isServer: true });
    const receiver = new PerMessageDeflate();
    for (const each of [sender, receiver]) each.accept([{ ...parameters }]);
    const [first, second] = [await compress(sender, JSON_MESSAGE), await compress(sender, JSON_MESSAGE)];
    expect(second).toEqual(first);
    for (const message of [first, second]) expect(await decompress(receiver, message!)).toEqual(JSON_MESSAGE);
  });

  test("passes options to zlib", async () => {
    const lengths = [];
    for (const zlibDeflateOptions of [{ level: 0 }, { level: 9 }, { strategy: constants.Z_HUFFMAN_ONLY }]) {
      const sender = new PerMessageDeflate({ zlibDeflateOptions });
      sender.accept([{}]);
      lengths.push((await compress(sender, JSON_MESSAGE)).length);
    }
    expect(lengths[0]).toBeGreaterThan(JSON_MESSAGE.length);
    expect(lengths[2]).toBeGreaterThan(2 * lengths[1]!);
    const dictionary = JSON_MESSAGE.subarray(0, 500);
    const sender = new PerMessageDeflate({ zlibDeflateOptions: { dictionary } });
    const receiver = new PerMessageDeflate({ isServer: true, zlibInflateOptions: { dictionary } });
    for (const each of [sender, receiver]) each.accept([{}]);
    const compressed = await compress(sender, dictionary);
    expect(compressed.length).toBeLessThan(20);
    expect(await decompress(receiver, compressed)).toEqual(dictionary);
  });

  test("fails for a message longer than maxPayload, and inflates the next one", async () => {
    const sender = new PerMessageDeflate();
    const receiver = new PerMessageDeflate({ isServer: true, maxPayload: 1000 });
    for (const each of [sender, receiver]) each.accept([{ client_no_context_takeover: [true] }]);
    const fits = await compress(sender, Buffer.alloc(1000));
    const long = await compress(sender, Buffer.alloc(1001));
    expect(await decompress(receiver, fits)).toHaveLength(1000);
    const error = decompress(receiver, long);
    await expect(error).rejects.toBeInstanceOf(RangeError);
    const code = "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH";
    await expect(error).rejects.toMatchObject({ message: "Max payload size exceeded", code });
    expect(await decompress(receiver, fits)).toHaveLength(1000);
  });

  test("fails with zlib's error for invalid DEFLATE data", async () => {
    const receiver = new PerMessageDeflate();
    receiver.accept([{}]);
    const wrong = decompress(receiver, Buffer.from([0x00, 0x00, 0x00, 0x00, 0x00, 0x00]));
    await expect(wrong).rejects.toMatchObject({ code: "Z_DATA_ERROR", errno: -3 });
  });

  test("inflates a message whose last block is final, and the next one", async () => {
    const receiver = new PerMessageDeflate();
    receiver.accept([{}]);
    const hello = Buffer.from("f348cdc9c907000000", "hex");
    hello[0] = 0xf3;
    for (let i = 0; i < 2; i++) {
      expect((await decompress(receiver, hello)).toString()).toBe("Hello");
    }
  });

  test("cleanup() ends running calls with an error", async () => {
    const sender = new PerMessageDeflate();
    sender.accept([{}]);
    const compressed = compress(sender, JSON_MESSAGE);
    sender.cleanup();
    await expect(compressed).rejects.toThrow("The deflate stream was closed while data was being processed");
  });
});

test("cleanup() frees the slot in the shared limit", async () => {
  const { PerMessageDeflate } = ours;
  for (let i = 0; i < 20; i++) {
    const receiver = new PerMessageDeflate();
    receiver.accept([{}]);
    const inflated = decompress(receiver, Buffer.alloc(100));
    receiver.cleanup();
    await expect(inflated).rejects.toThrow("closed");
  }
  const sender = new PerMessageDeflate();
  sender.accept([{}]);
  const cut = compress(sender, JSON_MESSAGE);
  sender.cleanup();
  await expect(cut).rejects.toThrow("closed");
  expect(await compress(sender, "")).toEqual(Buffer.from([0]));
});

test("handles all offers and responses as ws does", () => {
  for (const header of HEADERS) {
    for (const options of OPTIONS) {
      for (const isServer of [true, false]) {
        const result = ({ PerMessageDeflate }: Parts) =>
          outcome(() => new PerMessageDeflate({ ...options, isServer }).accept(offersOf(header)));
        expect(result(ours), `${header} ${JSON.stringify({ ...options, isServer })}`).toEqual(result(theirs));
      }
    }
  }
});

describe("the extension of connections", () => {
  test("offers what ws offers", () => {
    for (const options of OPTIONS) {
      // ws sends it without a value, which RFC 7692 does not allow.
      if (options.serverMaxWindowBits === true) continue;
      const [offer] = extensionOf(options).offer();
      const { extensionName } = theirs.PerMessageDeflate;
      const expected = extension.format({ [extensionName]: { ...new theirs.PerMessageDeflate(options).offer() } });
      expect([extensionName, ...offer!.map((each) => text([each]))].join("; ")).toBe(expected);
    }
  });

  test("answers what ws answers, in the same order", () => {
    let accepted = 0;
    for (const header of HEADERS.slice(0, -1)) {
      for (const options of OPTIONS) {
        const answer = extensionOf(options).accept(
          Object.entries(offersOf(header)[0]!).map(([name, [value]]) => [name, value!]),
        );
        const server = new theirs.PerMessageDeflate({ ...options, isServer: true });
        const expected = outcome(() => text(formatParameters(server.accept(offersOf(header)))));
        if (answer === undefined) expect(expected).not.toHaveProperty("returned");
        else expect({ returned: text(answer) }).toEqual(expected);
        if (answer !== undefined) accepted++;
      }
    }
    expect(accepted).toBeGreaterThan(100);
  });

  test("declines an invalid offer", () => {
    expect(extensionOf(true).accept([["foo", true]])).toBe(undefined);
    expect(extensionOf(true).accept([["server_max_window_bits", "7"]])).toBe(undefined);
  });

  test("applies the threshold only without context takeover", () => {
    const short = Buffer.alloc(100);
    const encode = (options: true | PerMessageDeflateOptions, response: [string, true][]) =>
      extensionOf(options)
        .open("server", response)
        .encode({ payload: short, text: false, first: true, last: true, compress: undefined });
    expect(encode(true, [])).toBeInstanceOf(Uint8Array);
    expect(encode(true, [["client_no_context_takeover", true]])).toBeInstanceOf(Uint8Array);
    expect(encode(true, [["server_no_context_takeover", true]])).toBe(undefined);
    expect(encode({ threshold: 100 }, [["server_no_context_takeover", true]])).toBeInstanceOf(Uint8Array);
    expect(encode({ threshold: 101 }, [["server_no_context_takeover", true]])).toBe(undefined);
  });

  test("exchanges messages with ws in both directions", async () => {
    for (const zlibDeflateOptions of [{}, { level: 1, memLevel: 1 }, { strategy: constants.Z_FIXED }]) {
      for (const response of [
        "",
        "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9",
      ]) {
        const [parameters] = offersOf(`permessage-deflate${response}`);
        const peer = new theirs.PerMessageDeflate({ zlibDeflateOptions });
        peer.accept([{ ...parameters }]);
        const list = Object.entries(parameters!).map(([name, [value]]) => [name, value!] as const);
        const session = extensionOf({ zlibDeflateOptions }).open("server", list);
        for (let i = 0; i < 3; i++) {
          const payload = JSON_MESSAGE.subarray(i);
          const encoded = session.encode({ payload, text: false, first: true, last: true, compress: undefined });
          expect(await decompress(peer, encoded!)).toEqual(payload);
          const compressed = await compress(peer, payload);
          const decoded = session.decode({ payload: compressed, maxLength: 1e6, byteOffset: 0 });
          expect(Buffer.from(decoded)).toEqual(payload);
        }
        peer.cleanup();
      }
    }
  });

  test("refuses options that zlib would refuse", () => {
    expect(() => extensionOf({ zlibDeflateOptions: { level: 10 } })).toThrow(RangeError);
    expect(() => extensionOf({ serverMaxWindowBits: 16 })).toThrow(RangeError);
  });
});
