// permessage-deflate through both ends of a connection (RFC 7692). zlib inflates the output, not our own inflater.

import { constants, inflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import {
  type AgreedExtension,
  type ExtensionParameters,
  type MessageSink,
  perMessageDeflate,
  type PerMessageDeflateOptions,
  Protocol,
  type ProtocolEvent,
  type ProtocolOptions,
  type WebSocketError,
} from "../../src/index.ts";
import { referenceInflate } from "../deflate/support/reference-inflate.ts";
import { ReferenceDecoder, type ReferenceFrame } from "../reference/decoder.ts";
import { concat, type RawFrame } from "../reference/serialize.ts";
import { Random } from "../support/random.ts";
import { type Subject, SUBJECTS } from "./support/conforms.ts";
import {
  binary,
  chops,
  close,
  continuation,
  fragmented,
  frame,
  hex,
  MASK_KEY,
  ping,
  text,
  toEndpoint,
  toHex,
  utf8,
} from "./support/frames.ts";

/** RSV1, as in `frame.rsv`. */
const RSV1 = 4;
const TAIL = hex("0000ffff");
const WINDOW = 32_768;

// As in public suites, the data is JSON, HTML, prose, a picture, and data that hardly compresses.
const TEXTS = ["json", "html", "prose"] as const;
const BINARIES = ["picture", "document"] as const;
type Kind = (typeof TEXTS)[number] | (typeof BINARIES)[number];

const DATA_LENGTH = 262_144;

function makeData(kind: Kind): Uint8Array {
  const random = new Random(kind.length);
  const words =
    "Habe nun ach Philosophie Juristerei und Medizin leider auch Theologie durchaus studiert mit heißem Bemühn".split(
      " ",
    );
  const sentence = (count: number) => Array.from({ length: count }, () => random.pick(words)).join(" ");
  if (kind === "picture") {
    // Each row differs little from the previous one.
    const bytes = new Uint8Array(DATA_LENGTH);
    for (let i = 0; i < DATA_LENGTH; i++)
      bytes[i] = ((bytes[i - 512] ?? 128) + (random.chance(0.1) ? random.integer(0, 9) : 0)) & 255;
    return bytes;
  }
  if (kind === "document") {
    const parts = Array.from({ length: 512 }, () =>
      random.chance(0.8) ? random.bytes(512) : utf8(sentence(70)).subarray(0, 512),
    );
    return concat(parts).subarray(0, DATA_LENGTH);
  }
  let text = "";
  while (text.length < DATA_LENGTH) {
    if (kind === "json")
      text += `${JSON.stringify({ id: random.integer(0, 1e6), name: sentence(2), tags: [random.pick(words)], größe: random.next() })},\n`;
    else if (kind === "html")
      text += `<tr class="row"><td>${random.integer(0, 999)}</td><td>${sentence(5)}</td></tr>\n`;
    else text += `${sentence(random.integer(5, 20))}.\n`;
  }
  return utf8(text);
}

const made = new Map<Kind, Uint8Array>();

function data(kind: Kind): Uint8Array {
  let bytes = made.get(kind);
  if (bytes === undefined) made.set(kind, (bytes = makeData(kind)));
  return bytes;
}

/** Consecutive messages of `length` bytes from the data. Text is cut between characters, so some are shorter. */
function messages(kind: Kind, length: number, count: number): (string | Uint8Array)[] {
  const all = data(kind);
  return Array.from({ length: count }, (_, i) => {
    const from = (i * length) % (all.length - length);
    const part = all.subarray(from, from + length);
    return kind === "picture" || kind === "document" ? part : Buffer.from(part).toString().replaceAll("\u{fffd}", "");
  });
}

/** The result of a handshake between a client and a server with these options: the first accepted offer. */
function agree(
  client: PerMessageDeflateOptions,
  server: PerMessageDeflateOptions,
): Record<"client" | "server", AgreedExtension> {
  const [ours, theirs] = [
    perMessageDeflate({ threshold: 0, ...client }),
    perMessageDeflate({ threshold: 0, ...server }),
  ];
  for (const offer of ours.offer()) {
    const parameters = theirs.accept(offer);
    if (parameters === undefined) continue;
    expect(ours.confirm(parameters)).toBe(true);
    return { client: { extension: ours, parameters }, server: { extension: theirs, parameters } };
  }
  throw new Error("Nothing was agreed on");
}

/** An endpoint with default options, and the parameters of the server's response. */
function endpoint(
  { role, core }: Subject,
  parameters: ExtensionParameters = [],
  options: Partial<ProtocolOptions> = {},
) {
  return new Protocol({
    maskKey: Uint8Array.from(MASK_KEY),
    ...options,
    role,
    core,
    extensions: [{ extension: perMessageDeflate({ threshold: 0 }), parameters }],
  });
}

/** Inflates the messages of one side with zlib, and keeps the window itself. */
class Inflater {
  #window = new Uint8Array(0);
  readonly #takeover: boolean;
  readonly #windowBits: number;

  constructor(takeover: boolean, windowBits: number) {
    this.#takeover = takeover;
    this.#windowBits = windowBits;
  }

  /** Fails if a match reaches farther back than the window. zlib only notices that for data before the message. */
  inflate(payload: Uint8Array): Uint8Array {
    const dictionary = this.#window.subarray(-(1 << this.#windowBits));
    const message = inflateRawSync(concat([payload, TAIL]), {
      finishFlush: constants.Z_SYNC_FLUSH,
      windowBits: this.#windowBits,
      ...(dictionary.length > 0 && { dictionary }),
    });
    if (this.#windowBits < 15 && message.length <= WINDOW) {
      const { farthest } = referenceInflate(concat([payload, TAIL]), dictionary);
      expect(farthest).toBeLessThanOrEqual(1 << this.#windowBits);
    }
    if (this.#takeover) this.#window = concat([this.#window, message]).slice(-WINDOW);
    return message;
  }
}

function framesOf(role: "server" | "client", bytes: Uint8Array): ReferenceFrame[] {
  const decoder = new ReferenceDecoder({ server: role === "client", rsv: RSV1 });
  decoder.push(bytes);
  expect([decoder.error, decoder.current]).toEqual([undefined, undefined]);
  return decoder.frames;
}

/** The messages in frames, inflated by zlib. Checks that RSV1 is on first frames of data, and on no others. */
function inflated(frames: readonly ReferenceFrame[], inflater: Inflater): (string | Uint8Array)[] {
  const found: (string | Uint8Array)[] = [];
  let open: { opcode: number; compressed: boolean; parts: Uint8Array[] } | undefined;
  for (const { opcode, rsv, fin, payload } of frames) {
    if (opcode >= 8) {
      expect(rsv).toBe(0);
      continue;
    }
    if (opcode === 0) expect(rsv).toBe(0);
    else open = { opcode, compressed: rsv === RSV1, parts: [] };
    open!.parts.push(Uint8Array.from(payload));
    if (!fin) continue;
    const encoded = concat(open!.parts);
    const message = open!.compressed ? inflater.inflate(encoded) : encoded;
    found.push(open!.opcode === 1 ? Buffer.from(message).toString() : Uint8Array.from(message));
  }
  return found;
}

function sameMessages(actual: readonly (string | Uint8Array)[], expected: readonly (string | Uint8Array)[]): void {
  expect(actual.length).toBe(expected.length);
  actual.forEach((message, i) => {
    const other = expected[i]!;
    const same =
      typeof message === "string" || typeof other === "string"
        ? message === other
        : Buffer.compare(message, other) === 0;
    if (!same) throw new Error(`Message ${i} differs from what was sent`);
  });
}

class Messages implements MessageSink {
  readonly received: (string | Uint8Array)[] = [];
  readonly #echo: Protocol | undefined;

  constructor(echo?: Protocol) {
    this.#echo = echo;
  }

  text(message: string): void {
    this.received.push(message);
    this.#echo?.send(message);
  }

  binary(message: Uint8Array): void {
    this.received.push(message);
    this.#echo?.send(message);
  }

  ping(): void {}
  pong(): void {}

  error(error: WebSocketError): void {
    throw error;
  }

  close(): void {}
}

/** Sends messages to an echo server and back, and checks both directions with zlib. */
function echoed(
  sent: readonly (string | Uint8Array)[],
  agreed: Record<"client" | "server", AgreedExtension>,
  {
    core = "wasm",
    fragmentSize = Infinity,
    check = true,
  }: { core?: "wasm" | "portable"; fragmentSize?: number; check?: boolean } = {},
): void {
  const client = new Protocol({ role: "client", core, extensions: [agreed.client], fragmentSize });
  const server = new Protocol({ role: "server", core, extensions: [agreed.server], fragmentSize });
  const atServer = new Messages(server);
  const atClient = new Messages();
  const wire: Record<"client" | "server", Uint8Array[]> = { client: [], server: [] };
  for (const message of sent) {
    client.send(message);
    const out = concat(client.take());
    wire.client.push(out);
    for (const chunk of chops(out, 4093)) server.push(chunk, atServer);
    const back = concat(server.take());
    wire.server.push(back);
    for (const chunk of chops(back, 4093)) client.push(chunk, atClient);
  }
  sameMessages(atServer.received, sent);
  sameMessages(atClient.received, sent);
  if (!check) return;
  for (const role of ["client", "server"] as const) {
    const { parameters } = agreed[role];
    const value = (key: string) => parameters.find(([each]) => each === key)?.[1];
    const bits = Number(value(`${role}_max_window_bits`) ?? 15);
    const inflater = new Inflater(value(`${role}_no_context_takeover`) === undefined, bits);
    const frames = framesOf(role, concat(wire[role]));
    sameMessages(inflated(frames, inflater), sent);
    for (const { fin, payload, opcode } of frames) {
      if (opcode < 8 && !fin) expect(payload.length).toBeLessThanOrEqual(fragmentSize);
    }
  }
}

const SIZES: readonly (readonly [length: number, fragmentSize: number])[] = [
  [16, Infinity],
  [64, Infinity],
  [256, Infinity],
  [1024, Infinity],
  [4096, Infinity],
  [8192, Infinity],
  [16_384, Infinity],
  [32_768, Infinity],
  [65_536, Infinity],
  [131_072, Infinity],
  [8192, 256],
  [16_384, 256],
  [32_768, 256],
  [65_536, 256],
  [131_072, 256],
  [131_072, 1024],
  [131_072, 4096],
  [131_072, 32_768],
];

/** The number of messages. Small ones are enough to fill a window. */
const countOf = (length: number): number => (length <= 1024 ? 100 : length <= 16_384 ? 12 : 3);

[...TEXTS, ...BINARIES].forEach((kind, section) => {
  describe(`12.${section + 1}: ${kind}`, () => {
    SIZES.forEach(([length, fragmentSize], i) => {
      const size = fragmentSize === Infinity ? "" : ` in fragments of ${fragmentSize}`;
      test(`12.${section + 1}.${i + 1}: messages of ${length} bytes${size} are echoed, compressed both ways`, () => {
        const count = countOf(length);
        echoed(messages(kind, length, count), agree({}, {}), { fragmentSize });
        if (length <= 4096) echoed(messages(kind, length, 10), agree({}, {}), { core: "portable", fragmentSize });
      });
    });
  });
});

describe("parameters", () => {
  const COMBINATIONS: readonly (readonly [
    number: string,
    client: PerMessageDeflateOptions,
    server?: PerMessageDeflateOptions,
  ])[] = [
    ["13.1", {}],
    ["13.2", { serverNoContextTakeover: true }],
    ["13.3", { serverMaxWindowBits: 8 }],
    ["13.3, with 9 bits", { serverMaxWindowBits: 9 }],
    ["13.4", { serverMaxWindowBits: 15 }],
    ["13.5", { serverNoContextTakeover: true, serverMaxWindowBits: 8 }],
    ["13.5, with 9 bits", { serverNoContextTakeover: true, serverMaxWindowBits: 9 }],
    ["13.6", { serverNoContextTakeover: true, serverMaxWindowBits: 15 }],
    ["13.7", { serverNoContextTakeover: true, serverMaxWindowBits: 8, fallback: true }],
    [
      "13.7, a server that declines the first offer",
      { serverMaxWindowBits: 8, fallback: true },
      { serverMaxWindowBits: false },
    ],
    [
      "all four, by the server",
      {},
      {
        serverNoContextTakeover: true,
        clientNoContextTakeover: true,
        serverMaxWindowBits: 10,
        clientMaxWindowBits: 11,
      },
    ],
  ];
  for (const [number, client, server = {}] of COMBINATIONS) {
    SIZES.forEach(([length, fragmentSize], i) => {
      const size = fragmentSize === Infinity ? "" : ` in fragments of ${fragmentSize}`;
      const which = number.includes(",") || number.startsWith("all") ? `${number} (${i + 1})` : `${number}.${i + 1}`;
      test(`${which}: JSON in messages of ${length} bytes${size} is echoed with the agreed parameters`, () => {
        const agreed = agree(client, server);
        echoed(messages("json", length, Math.ceil(countOf(length) / 3)), agreed, {
          fragmentSize,
          check: length <= 32_768,
        });
      });
    });
  }

  const flags = [undefined, true] as const;
  test("every combination of the four, with every window: the other end and zlib read the output", () => {
    const sent = messages("json", 900, 6);
    for (const serverNoContextTakeover of flags) {
      for (const clientNoContextTakeover of flags) {
        for (let serverMaxWindowBits = 8; serverMaxWindowBits <= 15; serverMaxWindowBits++) {
          for (let clientMaxWindowBits = 8; clientMaxWindowBits <= 15; clientMaxWindowBits++) {
            const options = {
              ...(serverNoContextTakeover && { serverNoContextTakeover }),
              ...(clientNoContextTakeover && { clientNoContextTakeover }),
              serverMaxWindowBits,
              clientMaxWindowBits,
            };
            echoed(sent, agree(options, options));
          }
        }
      }
    }
  });
});

/** A message as compressed by a peer: zlib's raw deflate without the last four bytes. */
const HELLO = hex("f248cdc9c90700");

describe("received", () => {
  const receive = (
    protocol: Protocol,
    role: Subject["role"],
    frames: readonly RawFrame[],
    chunk: number,
  ): ProtocolEvent[] =>
    chops(concat(frames.map((item) => toEndpoint(role, item))), chunk).flatMap((part) => protocol.receive(part));

  const everywhere = (run: (subject: Subject, chunk: number) => void): void => {
    for (const subject of SUBJECTS) for (const chunk of [1, 3, Infinity]) run(subject, chunk);
  };

  test("RFC 7692 §7.2.3: the examples, in one frame and in fragments with a ping in between", () => {
    everywhere((subject, chunk) => {
      const protocol = endpoint(subject);
      const frames = [
        text(HELLO, { rsv: RSV1 }),
        text(HELLO.subarray(0, 3), { rsv: RSV1, fin: false }),
        ping("p"),
        continuation(HELLO.subarray(3)),
        text(hex("f200110000"), { rsv: RSV1 }),
        text(hex("000500faff48656c6c6f00"), { rsv: RSV1 }),
        text(hex("f348cdc9c9070000"), { rsv: RSV1 }),
        text(hex("f248050000 00ffff cac9c90700"), { rsv: RSV1 }),
        text("Hello"),
      ];
      const events = receive(protocol, subject.role, frames, chunk);
      expect(events.filter(({ type }) => type === "text")).toEqual(
        Array.from({ length: 7 }, () => ({ type: "text", data: "Hello" })),
      );
      expect(events[1]).toEqual({ type: "ping", data: utf8("p") });
      expect(protocol.state).toBe("open");
    });
  });

  test("with the option fragments, a compressed message arrives in pieces like any other", () => {
    everywhere((subject, chunk) => {
      const protocol = endpoint(subject, [], { fragments: true });
      const frames = [
        text(HELLO.subarray(0, 3), { rsv: RSV1, fin: false }),
        ping("p"),
        continuation(HELLO.subarray(3)),
        binary(hex("00"), { rsv: RSV1 }),
      ];
      const events = receive(protocol, subject.role, frames, chunk);
      const pieces = events.flatMap((event) => (event.type === "piece" ? [event.data] : []));
      expect(pieces.join("")).toBe("Hello");
      expect(events.filter(({ type }) => type !== "piece")).toEqual([
        { type: "start", kind: "text" },
        { type: "ping", data: utf8("p") },
        { type: "end" },
        { type: "start", kind: "binary" },
        { type: "end" },
      ]);
    });
  });

  test("an empty message: one zero byte, also after an empty fragment", () => {
    everywhere((subject, chunk) => {
      const protocol = endpoint(subject);
      const frames = [
        text(hex("00"), { rsv: RSV1 }),
        binary(hex("00"), { rsv: RSV1 }),
        text("", { rsv: RSV1, fin: false }),
        continuation(hex("00")),
      ];
      expect(receive(protocol, subject.role, frames, chunk)).toEqual([
        { type: "text", data: "" },
        { type: "binary", data: new Uint8Array(0) },
        { type: "text", data: "" },
      ]);
    });
  });

  test("compressed and plain messages may alternate", () => {
    everywhere((subject, chunk) => {
      const frames = [
        text("plain"),
        text(HELLO, { rsv: RSV1 }),
        ...fragmented(1, utf8("plain"), 2),
        binary(HELLO, { rsv: RSV1 }),
      ];
      expect(receive(endpoint(subject), subject.role, frames, chunk)).toEqual([
        { type: "text", data: "plain" },
        { type: "text", data: "Hello" },
        { type: "text", data: "plain" },
        { type: "binary", data: utf8("Hello") },
      ]);
    });
  });

  const fails = (
    frames: readonly RawFrame[],
    code: string,
    closeCode: number,
    { before = [] as readonly ProtocolEvent[], parameters = [] as ExtensionParameters, limits = {} } = {},
  ): void => {
    everywhere((subject, chunk) => {
      const protocol = endpoint(subject, parameters, { limits });
      const events = receive(protocol, subject.role, [...frames, text("late"), ping("late")], chunk);
      expect(events).toMatchObject([
        ...before,
        { type: "error", error: { code, closeCode } },
        { type: "close", code: 1006, wasClean: false },
      ]);
      const [reply, ...rest] = framesOf(subject.role, concat(protocol.take())).filter(({ opcode }) => opcode === 8);
      expect([reply!.rsv, reply!.payload[0]! * 256 + reply!.payload[1]!, rest.length]).toEqual([0, closeCode, 0]);
      expect(protocol.state).toBe("closed");
    });
  };

  test("RSV1 on a continuation or a control frame fails at its first byte", () => {
    const first = text(HELLO.subarray(0, 3), { rsv: RSV1, fin: false });
    fails([first, continuation(HELLO.subarray(3), { rsv: RSV1 })], "WS_ERR_UNEXPECTED_RSV_1", 1002);
    for (const opcode of [8, 9, 10]) fails([frame(opcode, "", { rsv: RSV1 })], "WS_ERR_UNEXPECTED_RSV_1", 1002);
  });

  test("RSV2 and RSV3 still fail, and so does RSV1 on a reserved opcode", () => {
    for (const rsv of [1, 2, 3, 5, 6, 7]) fails([text(HELLO, { rsv })], "WS_ERR_UNEXPECTED_RSV_2_3", 1002);
    fails([frame(3, "", { rsv: RSV1 })], "WS_ERR_INVALID_OPCODE", 1002);
  });

  test("RSV1 without the extension fails", () => {
    for (const { role, core } of SUBJECTS) {
      const events = new Protocol({ role, core }).receive(toEndpoint(role, text(HELLO, { rsv: RSV1 })));
      expect(events[0]).toMatchObject({
        type: "error",
        error: { code: "WS_ERR_UNEXPECTED_RSV_1", closeCode: 1002, byteOffset: 0 },
      });
    }
  });

  test("data that is not DEFLATE fails; earlier messages are kept", () => {
    const before = [{ type: "text", data: "Hello" } as const];
    // A block of the reserved type; a stored block with lengths that do not match; a match before the start of all
    // data.
    for (const wrong of ["07", "000500aaaa48656c6c6f00", "4b04fe0900"]) {
      fails([text(HELLO, { rsv: RSV1 }), binary(hex(wrong), { rsv: RSV1 })], "WS_ERR_INVALID_COMPRESSED_DATA", 1007, {
        before,
      });
    }
  });

  test("data that does not inflate to UTF-8 fails with 1007 as text, and is delivered as binary", () => {
    // A stored block of one byte: ff.
    const stored = hex("000100feffff00");
    const before = [{ type: "binary", data: Uint8Array.of(0xff) } as const];
    fails([binary(stored, { rsv: RSV1 }), text(stored, { rsv: RSV1 })], "WS_ERR_INVALID_UTF8", 1007, { before });
  });

  test("a limit applies to the inflated message, and to the received bytes", () => {
    const protocol = endpoint({ role: "client", core: "wasm" });
    protocol.send("a".repeat(100_000));
    const [sent] = framesOf("client", concat(protocol.take()));
    const compressed = Uint8Array.from(sent!.payload);
    expect(compressed.length).toBeLessThan(1000);
    fails([text(compressed, { rsv: RSV1 })], "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH", 1009, {
      limits: { maxMessage: 99_999 },
    });
    // A stored block without an end.
    const stored = Uint8Array.from({ length: 101 }, (_, i) => [0, 0xff, 0xff, 0, 0][i] ?? 0x61);
    fails(
      [text(stored.subarray(0, 50), { rsv: RSV1, fin: false }), continuation(stored.subarray(50))],
      "WS_ERR_UNSUPPORTED_MESSAGE_LENGTH",
      1009,
      {
        limits: { maxMessage: 100 },
      },
    );
    everywhere((subject) => {
      const whole = endpoint(subject, [], { limits: { maxMessage: 100_000 } });
      const [event] = whole.receive(toEndpoint(subject.role, text(compressed, { rsv: RSV1 })));
      expect(event).toEqual({ type: "text", data: "a".repeat(100_000) });
    });
  });

  test("without context takeover, a message must not refer to the previous one", () => {
    const again = text(hex("f200110000"), { rsv: RSV1 });
    everywhere((subject, chunk) => {
      const other = subject.role === "server" ? "client" : "server";
      const parameters: ExtensionParameters = [[`${other}_no_context_takeover`, true]];
      const events = receive(endpoint(subject, parameters), subject.role, [text(HELLO, { rsv: RSV1 }), again], chunk);
      expect(events).toMatchObject([
        { type: "text", data: "Hello" },
        { type: "error", error: { closeCode: 1007 } },
        { type: "close" },
      ]);
    });
  });

  test("a Close between fragments of a compressed message is answered, and the message is not delivered", () => {
    everywhere((subject, chunk) => {
      const protocol = endpoint(subject);
      const frames = [
        text(HELLO.subarray(0, 3), { rsv: RSV1, fin: false }),
        close(1000),
        continuation(HELLO.subarray(3)),
      ];
      expect(receive(protocol, subject.role, frames, chunk)).toEqual([
        { type: "close", code: 1000, reason: "", wasClean: true },
      ]);
      expect(framesOf(subject.role, concat(protocol.take())).map(({ opcode, rsv }) => [opcode, rsv])).toEqual([[8, 0]]);
    });
  });
});

describe("sent", () => {
  test("RSV1 is on the first frame of a compressed message only; control frames go uncompressed", () => {
    for (const subject of SUBJECTS) {
      const protocol = endpoint(subject);
      protocol.send("compress me ".repeat(20), { fin: false });
      protocol.ping("ping ".repeat(20));
      protocol.send("and me ".repeat(20));
      protocol.close(1000, "reason ".repeat(15));
      const frames = framesOf(subject.role, concat(protocol.take()));
      expect(frames.map(({ opcode, rsv, fin }) => [opcode, rsv, fin])).toEqual([
        [1, RSV1, false],
        [9, 0, true],
        [0, 0, true],
        [8, 0, true],
      ]);
      expect(inflated(frames, new Inflater(true, 15))).toEqual(["compress me ".repeat(20) + "and me ".repeat(20)]);
    }
  });

  test("a message that is not compressed has no RSV1", () => {
    for (const subject of SUBJECTS) {
      const protocol = endpoint(subject);
      protocol.send("plain ".repeat(100), { compress: false });
      protocol.send(utf8("plain ".repeat(100)), { compress: false, fragmentSize: 100 });
      const frames = framesOf(subject.role, concat(protocol.take()));
      expect(frames.map(({ rsv }) => rsv)).toEqual(frames.map(() => 0));
      expect(inflated(frames, new Inflater(true, 15))).toEqual(["plain ".repeat(100), utf8("plain ".repeat(100))]);
    }
  });

  test("no message ends with the four bytes that the other side adds", () => {
    for (const subject of SUBJECTS) {
      const protocol = endpoint(subject);
      for (const message of ["", "a", "aa", "a".repeat(1000), "\0".repeat(1000)])
        protocol.send(message, { compress: true });
      const frames = framesOf(subject.role, concat(protocol.take()));
      expect(frames.length).toBe(5);
      for (const { payload, rsv } of frames) {
        expect(rsv).toBe(RSV1);
        expect(payload.length).toBeGreaterThan(0);
        expect(toHex(Uint8Array.from(payload)).endsWith("0000ffff")).toBe(false);
      }
    }
  });

  test("an empty message is compressed to one byte", () => {
    for (const subject of SUBJECTS) {
      const protocol = endpoint(subject);
      protocol.send("", { compress: true });
      expect(framesOf(subject.role, concat(protocol.take()))[0]!.payload).toEqual([0]);
    }
  });

  test("a repeated message is shorter with context takeover, but not without it", () => {
    for (const subject of SUBJECTS) {
      const message = messages("json", 1000, 1)[0]!;
      const lengths = (parameters: ExtensionParameters): number[] => {
        const protocol = endpoint(subject, parameters);
        protocol.send(message);
        protocol.send(message);
        return framesOf(subject.role, concat(protocol.take())).map(({ payload }) => payload.length);
      };
      const [first, second] = lengths([]) as [number, number];
      expect(second).toBeLessThan(first / 4);
      const [one, two] = lengths([[`${subject.role}_no_context_takeover`, true]]) as [number, number];
      expect(two).toBe(one);
    }
  });
});
