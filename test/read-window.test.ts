// Compares chunks decoded in the window that sockets read into with the same chunks passed to push().

import { expect, test } from "vitest";
import { FrameDecoder, type FrameDecoderOptions, type FrameSink } from "../src/index.ts";
import { ReadWindow } from "../src/frame/read-window.ts";
import { Random } from "./support/random.ts";
import { binary, close, continuation, CORES, ping, ROLES, text, toRole, utf8 } from "./support/wire.ts";
import type { RawFrame } from "./reference/serialize.ts";

type Core = (typeof CORES)[number];
type Decode = (chunk: Uint8Array, sink: FrameSink) => void;

const windows = Object.fromEntries(CORES.map((core) => [core, makeWindow(core)])) as Record<Core, ReadWindow>;

function makeWindow(core: Core): ReadWindow {
  return new ReadWindow(core, ({ buffer }) => {
    const bytes = Buffer.from(buffer);
    return (start, end) => bytes.toString("latin1", start, end);
  });
}

/** Decodes in the window, which holds other bytes before and after this decoder's turn. */
function inWindow(decoder: FrameDecoder, { bytes }: ReadWindow, window: ReadWindow): Decode {
  return (chunk, sink) => {
    for (let at = 0; at < chunk.length; at += bytes.length) {
      const part = chunk.subarray(at, at + bytes.length);
      bytes.set(part);
      bytes.fill(0xc3, part.length, part.length + 100);
      try {
        decoder.pushFrom(window, part.length, sink);
      } finally {
        bytes.fill(0xc3, 0, part.length + 100);
      }
    }
  };
}

interface Setting extends FrameDecoderOptions {
  readonly core: Core;
  /** Whether the sink has the methods for whole messages. */
  readonly whole: boolean;
  /** The number of deliveries between pauses, or 0 for no pauses. */
  readonly pauseEvery: number;
}

/** Copies everything that a sink gets: one line per frame or error. */
class Log {
  readonly lines: string[] = [];
  readonly #decoder: FrameDecoder;
  readonly #setting: Setting;
  #payload: Buffer[] = [];
  #delivered = 0;

  constructor(decoder: FrameDecoder, setting: Setting) {
    this.#decoder = decoder;
    this.#setting = setting;
  }

  get sink(): FrameSink {
    const parts: FrameSink = {
      header: ({ opcode, fin, rsv, payloadLength }) => this.#deliver(`${opcode} ${fin} ${rsv} ${payloadLength}`),
      payload: (window, start, end) => {
        this.#payload.push(Buffer.from(window.subarray(start, end)));
        this.#deliver();
      },
      end: () => {
        this.#flush();
        this.#deliver("end");
      },
    };
    if (!this.#setting.whole) return parts;
    return {
      ...parts,
      text: (data) => this.#whole(1, Buffer.from(data)),
      binary: (window, start, end) => this.#whole(2, Buffer.from(window.subarray(start, end))),
    };
  }

  /** Logs a whole message like one in pieces, because the two windows have different sizes. */
  #whole(opcode: number, payload: Buffer): void {
    this.lines.push(`${opcode} true 0 ${payload.length}`);
    if (payload.length > 0) this.lines.push(payloadLine(payload));
    this.#deliver("end");
  }

  #flush(): void {
    if (this.#payload.length > 0) this.lines.push(payloadLine(Buffer.concat(this.#payload)));
    this.#payload = [];
  }

  #resume(sink: FrameSink): void {
    while (this.#decoder.paused) this.#decoder.resume(sink);
  }

  #deliver(line?: string): void {
    if (line !== undefined) this.lines.push(line);
    const { pauseEvery } = this.#setting;
    if (pauseEvery > 0 && ++this.#delivered % pauseEvery === 0) this.#decoder.pause();
  }

  /** Decodes the chunks and returns the log. If `resume` is "last", it only resumes after the last chunk. */
  run(decode: Decode, chunks: readonly Uint8Array[], resume: "each" | "last"): string[] {
    const { sink } = this;
    try {
      for (const chunk of chunks) {
        decode(chunk, sink);
        if (resume === "each") this.#resume(sink);
      }
      this.#resume(sink);
    } catch (error) {
      const { code, byteOffset } = error as { code?: string; byteOffset?: number };
      if (code === undefined) throw error;
      this.#flush();
      this.lines.push(`${code} at ${byteOffset}`);
    }
    this.#flush();
    const { closed, bytesDecoded, heldBytes } = this.#decoder;
    this.lines.push(`${closed} ${bytesDecoded} ${heldBytes}`);
    return this.lines;
  }
}

function payloadLine(payload: Buffer): string {
  return `payload ${payload.toString("latin1")}`;
}

function decoderOf({ core, role }: Setting): FrameDecoder {
  return new FrameDecoder({ core, role });
}

function both(setting: Setting, chunks: readonly Uint8Array[], resume: "each" | "last"): [string[], string[]] {
  const [expected, found] = [decoderOf(setting), decoderOf(setting)];
  const window = windows[setting.core];
  return [
    new Log(expected, setting).run((chunk, sink) => expected.push(chunk, sink), chunks, resume),
    new Log(found, setting).run(inWindow(found, window, window), chunks, resume),
  ];
}

/** Faster than expect(), which would take most of the time. */
function compare(setting: Setting, chunks: readonly Uint8Array[], resume: "each" | "last", what: string): void {
  const [expected, found] = both(setting, chunks, resume);
  if (expected.join("\n") !== found.join("\n")) expect(found, what).toEqual(expected);
}

const RUN = ["a", "", "bc", "é€😀", "x".repeat(30), "ł", "plain"].map((data) => text(data));
const SPLIT = utf8("€😀");
const MIXED: RawFrame[] = [
  ...RUN,
  binary(Uint8Array.of(1, 2, 3)),
  ping("now"),
  text("begun é", { fin: false }),
  continuation(SPLIT.subarray(0, 2), { fin: false }),
  ping(),
  continuation(SPLIT.subarray(2)),
  binary(new Uint8Array(130).fill(7)),
  binary(new Uint8Array(0)),
  text("y".repeat(126)),
  ...RUN.slice(3),
];

/** Streams by their contents. Each one has something after its end. */
const STREAMS: Record<string, RawFrame[]> = {
  "no end": MIXED,
  "a Close": [...MIXED, close(1000, "bye é"), text("after")],
  "only a Close": [close(), close(1001)],
  "text that is not UTF-8": [...RUN, { opcode: 1, payload: Uint8Array.of(97, 0xc3, 0x28, 98) }, ...RUN],
  "incomplete text": [text("ok"), { opcode: 1, payload: SPLIT.subarray(0, 2) }, ...RUN],
  "a reserved opcode": [...RUN, binary(Uint8Array.of(9)), { opcode: 3 }, text("after")],
  "a continuation without a message": [text("ok"), continuation(Uint8Array.of(1)), text("after")],
  "a Ping that is too long": [...RUN, { opcode: 9, payload: new Uint8Array(126) }, text("after")],
  "a Close code that must not be sent": [text("ok"), close(1005), text("after")],
};

const settings = ROLES.flatMap(
  (role) =>
    [
      { core: "wasm", role, whole: true },
      { core: "wasm", role, whole: false },
      { core: "portable", role, whole: true },
    ] as const,
);

test.each(settings)("cut at every byte: $core, $role, whole: $whole", (setting) => {
  for (const [name, frames] of Object.entries(STREAMS)) {
    const bytes = toRole(setting.role, ...frames);
    for (const pauseEvery of [0, 1, 3]) {
      const own = { ...setting, pauseEvery };
      for (let at = 0; at <= bytes.length; at++) {
        const chunks = [bytes.subarray(0, at), bytes.subarray(at)];
        compare(own, chunks, "each", `${name}, cut at ${at}`);
        if (pauseEvery > 0) compare(own, chunks, "last", `${name}, cut at ${at}`);
      }
      const single = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
      for (const resume of ["each", "last"] as const) compare(own, single, resume, `${name}, byte by byte`);
    }
  }
});

test.each(settings)("long frames, and more frames than one call finds: $core, $role, whole: $whole", (setting) => {
  const random = new Random(12);
  const texts = (count: number): RawFrame[] =>
    Array.from({ length: count }, (_, i) => text(i % 1500 === 7 ? `é${i}` : `${i}`));
  const frames = [
    ...texts(5000),
    ...Array.from({ length: 5000 }, (_, i) => binary(Uint8Array.of(i, i >> 8))),
    text("long ".repeat(30_000)),
    text("länger ".repeat(20_000)),
    binary(random.bytes(300_000)),
    text("z".repeat(65_536)),
    binary(random.bytes(700_000), { fin: false }),
    ping("between"),
    continuation(random.bytes(65_536)),
    ...texts(3000),
    close(1000),
  ];
  const bytes = toRole(setting.role, ...frames);
  for (const pauseEvery of [0, 997]) {
    for (const size of [bytes.length, 524_288, 10_007]) {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
      compare({ ...setting, pauseEvery }, chunks, "each", `chunks of ${size}`);
      if (pauseEvery > 0) compare({ ...setting, pauseEvery }, chunks, "last", `chunks of ${size}`);
    }
  }
});

test.each(CORES)("decoders take turns in one window: %s", (core) => {
  const window = windows[core];
  const random = new Random(5);
  const setting = { core, role: "server", whole: true, pauseEvery: 0 } as const;
  const lines = Array.from({ length: 20 }, (_, i) => {
    const bytes = toRole("server", ...Array.from({ length: 200 }, (_, n) => text(`${i}:${n} `.repeat(1 + (n % 40)))));
    const decoder = decoderOf(setting);
    return { bytes, at: 0, decode: inWindow(decoder, window, window), log: new Log(decoder, setting) };
  });
  for (let left = lines.length; left > 0;) {
    const line = random.pick(lines);
    if (line.at === line.bytes.length) continue;
    const chunk = line.bytes.subarray(line.at, line.at + random.integer(1, 3000));
    line.decode(chunk, line.log.sink);
    line.at += chunk.length;
    if (line.at === line.bytes.length) left--;
  }
  for (const [i, { log, bytes }] of lines.entries()) {
    const expected = new Log(decoderOf(setting), setting);
    const decoder = decoderOf(setting);
    decoder.push(bytes, expected.sink);
    expect(log.lines, `decoder ${i}`).toEqual(expected.lines);
  }
});
