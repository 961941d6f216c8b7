// Streams for each rule of RFC 6455 on frames: valid ones, and invalid frames among valid ones.

import { ReferenceDecoder } from "../decoder.ts";
import { concat, type RawFrame, serialize } from "../serialize.ts";
import { Random } from "../../support/random.ts";
import type { Role } from "./peer.ts";

/** The rules as they are reported, in the order of the RFC. */
export const RULES = {
  mask: "§5.1 client frames are masked, server frames are not",
  rsv: "§5.2 RSV1 to RSV3 are 0 without an extension",
  opcode: "§5.2 opcodes 3 to 7 and 11 to 15 are reserved",
  length: "§5.2 payloads of every length class",
  minimal: "§5.2 a length takes as few bytes as possible",
  huge: "§5.2 lengths that do not fit in memory",
  "top-bit": "§5.2 the top bit of a 64-bit length is 0",
  unmask: "§5.3 any masking-key, at any position",
  fragments: "§5.4 fragments of any length, with control frames between them",
  order: "§5.4 a message begins, continues and ends before the next",
  control: "§5.5 Ping and Pong",
  "control-fin": "§5.5 a control frame is not fragmented",
  "control-length": "§5.5 a control frame has at most 125 bytes",
  close: "§5.5.1 a Close is empty or has a code and a reason",
  "after-close": "§5.5.1 bytes after a Close are ignored",
  "close-code": "§7.4 close codes that an endpoint may send",
  "close-utf8": "§5.5.1 the reason of a Close is UTF-8",
  text: "§5.6 UTF-8 text, fragmented anywhere",
  utf8: "§8.1 text that is not valid UTF-8",
  random: "random streams, half with an error",
  captures: "recorded connections",
} as const;

export type RuleName = keyof typeof RULES;

/** A stream and the rule that it tests. */
export interface Case {
  readonly rule: RuleName;
  readonly role: Role;
  /** A short readable description. */
  readonly name: string;
  readonly stream: Uint8Array;
}

const KEY = [0x37, 0xfa, 0x21, 0x3d];
const utf8 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text));
const bytes = (hex: string): Uint8Array => new Uint8Array(Buffer.from(hex, "hex"));

const closePayload = (code: number, reason: Uint8Array = new Uint8Array(0)): Uint8Array =>
  concat([Uint8Array.of(code >> 8, code), reason]);

/** Code points at the boundaries of ranges. */
const CHARACTERS = [0, 0x7f, 0x80, 0x7ff, 0x800, 0xd7ff, 0xe000, 0xfeff, 0xfffd, 0xffff, 0x10000, 0x10ffff];

/**
 * Invalid UTF-8: stray bytes, overlong forms, surrogates, code points beyond U+10FFFF, and sequences cut by ASCII or by
 * another character.
 */
const NOT_UTF8 = [
  ..."80 bf c0af c180 e08080 e09fbf eda080 edbfbf f0808080 f08fbfbf f4908080 f5808080 f8888080 fe ff".split(" "),
  ..."c341 e28241 e241 f09f9841 f09f41 f041 c3c3a9 e282e282ac".split(" "),
];
/** Incomplete characters. */
const CUT = ["c3", "e2", "e282", "f0", "f09f", "f09f98"];

const CODES = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3500, 3999, 4000, 4999];
const WRONG_CODES = [
  0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1099, 1100, 1999, 2000, 2999, 5000, 9999, 25209, 32768, 65535,
];

const LENGTHS = [
  0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 31, 32, 33, 63, 64, 65, 124, 125, 126, 127, 128, 255, 256, 1000, 4096,
];
const LONG = [65534, 65535, 65536, 65537];

class Corpus {
  readonly cases: Case[] = [];
  readonly #role: Role;

  constructor(role: Role) {
    this.#role = role;
  }

  frame(frame: RawFrame): Uint8Array {
    return serialize({ maskKey: this.#role === "server" ? KEY : undefined, ...frame });
  }

  /** Adds a stream with valid frames around it, which show whether a decoder lost its position. */
  add(rule: RuleName, name: string, ...frames: (RawFrame | Uint8Array)[]): void {
    const before = [this.frame({ opcode: 1, payload: utf8("before") })];
    const after = [
      this.frame({ opcode: 2, payload: utf8("after") }),
      this.frame({ opcode: 9, payload: utf8("ping") }),
      this.frame({ opcode: 8, payload: closePayload(1000, utf8("end")) }),
    ];
    const parts = frames.map((frame) => (frame instanceof Uint8Array ? frame : this.frame(frame)));
    this.alone(rule, name, concat([...before, ...parts, ...after]));
  }

  alone(rule: RuleName, name: string, stream: Uint8Array): void {
    this.cases.push({ rule, role: this.#role, name, stream });
  }

  masks(): void {
    const maskKey = this.#role === "server" ? undefined : KEY;
    const what = this.#role === "server" ? "without a mask" : "with a mask";
    for (const opcode of [1, 2, 8, 9, 10]) {
      const payload = opcode === 8 ? closePayload(1000) : utf8("abcd");
      this.add("mask", `opcode ${opcode} ${what}`, { opcode, payload, maskKey });
      if (opcode !== 8) this.add("mask", `opcode ${opcode} ${what}, empty`, { opcode, maskKey });
    }
    this.add("mask", `a fragment ${what}`, { opcode: 1, fin: false, payload: utf8("a") }, { opcode: 0, maskKey });
    this.add("mask", `300 bytes ${what}`, { opcode: 2, payload: new Uint8Array(300), maskKey });
    if (this.#role !== "server") return;
    for (const key of ["00000000", "ffffffff", "01020304", "80000001", "000000ff"]) {
      for (const length of [0, 1, 2, 3, 4, 5, 6, 7, 8, 15, 16, 17, 33, 125, 130]) {
        const payload = Uint8Array.from({ length }, (_, i) => i * 7);
        this.add("unmask", `key ${key}, ${length} bytes`, { opcode: 2, payload, maskKey: [...bytes(key)] });
      }
    }
    const payload = utf8("Grüße, 世界 😀");
    this.add(
      "unmask",
      "a key for each fragment",
      {
        opcode: 1,
        fin: false,
        payload: payload.subarray(0, 3),
        maskKey: [1, 2, 3, 4],
      },
      { opcode: 0, payload: payload.subarray(3), maskKey: [250, 251, 252, 253] },
    );
  }

  /** Adds every first byte of a frame, between messages and inside them. */
  firstBytes(): void {
    const states: [string, RawFrame[]][] = [
      ["between messages", []],
      ["in a text message", [{ opcode: 1, fin: false, payload: utf8("t") }]],
      ["in a binary message", [{ opcode: 2, fin: false, payload: utf8("b") }]],
    ];
    for (const [state, frames] of states) {
      for (let first = 0; first < 256; first++) {
        const [fin, rsv, opcode] = [first >= 0x80, (first >> 4) & 7, first & 15];
        const inside = frames.length > 0;
        const rule = rsv
          ? "rsv"
          : !isKnown(opcode)
            ? "opcode"
            : opcode >= 8
              ? fin
                ? "control"
                : "control-fin"
              : "order";
        const name = `first byte ${first.toString(16).padStart(2, "0")} ${state}`;
        const payload = opcode === 8 ? closePayload(1000, utf8("bye")) : utf8("xy");
        // Ends a valid frame's open message, so that the frames after it are valid too.
        const right = rule === "order" && inside === (opcode === 0);
        const isOpen = rule === "control" ? inside : right && !fin;
        const rest: RawFrame[] = isOpen ? [{ opcode: 0, payload: utf8("z") }] : [];
        this.add(rule, name, ...frames, { fin, rsv, opcode, payload }, ...rest);
        if (rule === "opcode" || rule === "control-fin")
          this.add(rule, `${name}, empty`, ...frames, { fin, rsv, opcode });
      }
    }
  }

  lengths(): void {
    for (const length of [...LENGTHS, ...LONG]) {
      const payload = Uint8Array.from({ length }, (_, i) => 32 + (i % 90));
      for (const opcode of [1, 2]) this.add("length", `opcode ${opcode}, ${length} bytes`, { opcode, payload });
      this.add(
        "length",
        `${length} bytes in two fragments`,
        { opcode: 2, fin: false, payload },
        { opcode: 0, payload },
      );
    }
    // These are valid, but no machine has that much memory. A decoder may refuse them, and otherwise waits for the
    // payload.
    for (const claimedLength of [2n ** 31n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n]) {
      const payload = utf8("hello");
      this.add("huge", `length 0x${claimedLength.toString(16)}`, { opcode: 2, payload, claimedLength, lengthBytes: 9 });
    }
    for (const opcode of [1, 2, 0]) {
      const open: RawFrame[] = opcode === 0 ? [{ opcode: 1, fin: false, payload: utf8("a") }] : [];
      for (const length of [0, 1, 2, 124, 125]) {
        const payload = new Uint8Array(length).fill(97);
        for (const lengthBytes of [3, 9] as const) {
          const name = `opcode ${opcode}, ${length} bytes, its length in ${lengthBytes - 1} bytes`;
          this.add("minimal", name, ...open, { opcode, payload, lengthBytes });
        }
      }
      for (const length of [126, 127, 255, 65535]) {
        const payload = new Uint8Array(length).fill(97);
        const name = `opcode ${opcode}, ${length} bytes, its length in 8 bytes`;
        this.add("minimal", name, ...open, { opcode, payload, lengthBytes: 9 });
      }
      for (const claimedLength of [2n ** 63n, 2n ** 63n + 5n, 2n ** 64n - 1n, 2n ** 63n + 2n ** 40n]) {
        const name = `opcode ${opcode}, length 0x${claimedLength.toString(16)}`;
        this.add("top-bit", name, ...open, { opcode, payload: utf8("hello"), claimedLength, lengthBytes: 9 });
      }
    }
  }

  control(): void {
    for (const opcode of [9, 10]) {
      for (const length of [0, 1, 2, 8, 16, 100, 124, 125]) {
        const payload = new Uint8Array(length).fill(97);
        this.add("control", `opcode ${opcode}, ${length} bytes`, { opcode, payload });
      }
      this.add("control", `opcode ${opcode}, bytes that are not text`, {
        opcode,
        payload: bytes("00ff80c3c0afeda080"),
      });
    }
    for (const opcode of [8, 9, 10]) {
      for (const length of [126, 127, 300, 65535, 65536]) {
        const payload = new Uint8Array(length).fill(97);
        if (opcode === 8) payload.set(closePayload(1000));
        this.add("control-length", `opcode ${opcode}, ${length} bytes`, { opcode, payload });
      }
      this.add("control-length", `opcode ${opcode}, length 2^63`, { opcode, claimedLength: 2n ** 63n, lengthBytes: 9 });
      for (const lengthBytes of [3, 9] as const) {
        const payload = opcode === 8 ? closePayload(1000) : utf8("abc");
        const name = `opcode ${opcode}, ${payload.length} bytes, its length in ${lengthBytes - 1} bytes`;
        this.add("control-length", name, { opcode, payload, lengthBytes });
      }
    }
  }

  close(): void {
    this.add("close", "no payload", { opcode: 8 });
    this.add("close", "one byte", { opcode: 8, payload: Uint8Array.of(3) });
    this.add("close", "the longest reason", { opcode: 8, payload: closePayload(1000, new Uint8Array(123).fill(97)) });
    for (const reason of ["x", "bye", "Grüße 世界 😀", "\ufeffwith a BOM", "\0"]) {
      this.add("close", `reason ${JSON.stringify(reason)}`, { opcode: 8, payload: closePayload(4000, utf8(reason)) });
    }
    const open = { opcode: 1, fin: false, payload: utf8("a") };
    this.add("close", "inside a message", open, { opcode: 8, payload: closePayload(1000, utf8("bye")) });
    for (const code of CODES) {
      this.add("close-code", `code ${code}`, { opcode: 8, payload: closePayload(code) });
      this.add("close-code", `code ${code} and a reason`, { opcode: 8, payload: closePayload(code, utf8("bye")) });
    }
    for (const code of WRONG_CODES) {
      this.add("close-code", `code ${code}`, { opcode: 8, payload: closePayload(code) });
      this.add("close-code", `code ${code} and a reason`, { opcode: 8, payload: closePayload(code, utf8("bye")) });
    }
    for (const sequence of [...NOT_UTF8, ...CUT]) {
      for (const before of ["", "a", "abcdefghijklmnop"]) {
        const payload = closePayload(1000, concat([utf8(before), bytes(sequence)]));
        this.add("close-utf8", `reason ${JSON.stringify(before)} and ${sequence}`, { opcode: 8, payload });
      }
    }
    this.add("close-utf8", "code 999 and 80", { opcode: 8, payload: closePayload(999, bytes("80")) });
    const close = this.frame({ opcode: 8, payload: closePayload(1000) });
    const later = [
      this.frame({ opcode: 1, payload: utf8("late") }),
      this.frame({ opcode: 8, payload: closePayload(1001) }),
      Uint8Array.of(0xff, 0xff, 0xff),
      this.frame({ opcode: 0, payload: utf8("late") }),
      utf8("HTTP/1.1 200 OK\r\n\r\n"),
      this.frame({ opcode: 9 }),
    ];
    for (const [i, part] of later.entries()) this.alone("after-close", `with ${i + 1}`, concat([close, part]));
  }

  fragments(): void {
    const ping = { opcode: 9, payload: utf8("between") };
    const pong = { opcode: 10 };
    for (const opcode of [1, 2]) {
      const part = (text: string, fin = false, first = false): RawFrame => ({
        opcode: first ? opcode : 0,
        fin,
        payload: utf8(text),
      });
      const whole = (...parts: string[]): RawFrame[] =>
        parts.map((text, i) => part(text, i === parts.length - 1, i === 0));
      for (const parts of [
        ["a", "b"],
        ["", ""],
        ["", "a"],
        ["a", ""],
        ["", "", "", ""],
        ["ab", "", "cd", "e"],
      ]) {
        const frames = whole(...parts);
        const name = `opcode ${opcode} in ${parts.length} fragments: ${JSON.stringify(parts)}`;
        this.add("fragments", name, ...frames);
        this.add("fragments", `${name}, pings between`, ...frames.flatMap((frame, i) => (i ? [ping, frame] : [frame])));
        this.add("fragments", `${name}, twice`, ...frames, ...frames, pong, ...frames);
      }
      this.add("fragments", `opcode ${opcode} in 300`, ...whole(...Array.from({ length: 300 }, (_, i) => `${i} `)));
      this.add("order", `opcode ${opcode} after one that has ended continues`, ...whole("a", "b"), part("c", true));
      this.add("order", `opcode ${opcode} inside one`, part("a", false, true), part("b", true, true));
      this.add("order", `opcode ${opcode} inside one after a Ping`, part("", false, true), ping, part("b", true, true));
    }
    this.add("order", "a continuation outside a message, empty", { opcode: 0 });
    this.add("order", "a continuation outside a message without FIN, empty", { opcode: 0, fin: false });
    this.add("order", "a continuation outside a message after a Ping", ping, { opcode: 0, payload: utf8("a") });
  }

  wrongAtEnd(length: number): void {
    const payload = new Uint8Array(length).fill(97);
    payload[length - 1] = 0xff;
    this.add("utf8", `ff after ${length - 1} bytes`, { opcode: 1, payload });
  }

  texts(): void {
    const all = CHARACTERS.map((point) => String.fromCodePoint(point)).join("");
    for (const text of [...CHARACTERS.map((point) => String.fromCodePoint(point)), all, "\ufeff\ufeffx", `x${all}x`]) {
      const payload = utf8(text);
      this.add("text", `a text of ${payload.length} bytes: ${hexOf(payload)}`, { opcode: 1, payload });
      for (let cut = 1; cut < Math.min(payload.length, 24); cut++) {
        const [a, b] = [payload.subarray(0, cut), payload.subarray(cut)];
        const name = `${hexOf(a)} and ${hexOf(b)} as fragments`;
        this.add("text", name, { opcode: 1, fin: false, payload: a }, { opcode: 9 }, { opcode: 0, payload: b });
      }
    }
    this.add("text", "binary that is not text", { opcode: 2, payload: bytes(NOT_UTF8.join("")) });
    this.add(
      "text",
      "binary that is not text, in fragments",
      { opcode: 2, fin: false, payload: bytes("c3ff") },
      {
        opcode: 0,
        payload: bytes("80"),
      },
    );
    for (const sequence of [...NOT_UTF8, ...CUT]) {
      const wrong = bytes(sequence);
      for (const [before, after] of [
        ["", ""],
        ["a", ""],
        ["abcdefghijklmnopq", ""],
        ["é", CUT.includes(sequence) ? "" : "é"],
      ]) {
        const payload = concat([utf8(before!), wrong, utf8(after!)]);
        this.add("utf8", `text ${hexOf(payload)}`, { opcode: 1, payload });
        const first = { opcode: 1, fin: false, payload };
        // The message continues for a while, so a decoder that checks its end finds the error late.
        this.add(
          "utf8",
          `${hexOf(payload)} in a first fragment`,
          first,
          { opcode: 9, payload: utf8("between") },
          {
            opcode: 0,
            payload: utf8("end"),
          },
        );
        this.add(
          "utf8",
          `${hexOf(payload)} in a last fragment`,
          { opcode: 1, fin: false, payload: utf8("x") },
          {
            opcode: 0,
            payload,
          },
        );
      }
      for (let cut = 1; cut < wrong.length; cut++) {
        const [a, b] = [wrong.subarray(0, cut), wrong.subarray(cut)];
        const name = `${hexOf(a)} and ${hexOf(b)} as fragments`;
        this.add("utf8", name, { opcode: 1, fin: false, payload: a }, { opcode: 0, payload: b });
      }
    }
    // Long enough for checks that work on blocks.
    for (const length of [64, 4096, 70_000]) this.wrongAtEnd(length);
  }
}

const isKnown = (opcode: number): boolean => opcode < 3 || (opcode >= 8 && opcode <= 10);
const hexOf = (data: Uint8Array): string => Buffer.from(data).toString("hex");

const ROLES: readonly Role[] = ["server", "client"];

const made = new Map<Role, readonly Case[]>();

function casesFor(role: Role): readonly Case[] {
  const known = made.get(role);
  if (known) return known;
  const corpus = new Corpus(role);
  corpus.masks();
  corpus.firstBytes();
  corpus.lengths();
  corpus.control();
  corpus.close();
  corpus.fragments();
  corpus.texts();
  made.set(role, corpus.cases);
  return corpus.cases;
}

/** The streams for each rule, in both roles. */
export function systematic(): Case[] {
  return ROLES.flatMap(casesFor);
}

/** A text that overflows the stack of checks that use recursion or a regular expression. */
export function long(): Case[] {
  return ROLES.flatMap((role) => {
    const corpus = new Corpus(role);
    corpus.wrongAtEnd(9_000_000);
    return corpus.cases;
  });
}

interface Pool {
  readonly role: Role;
  readonly short: readonly Case[];
  /** Streams without an error, up to their Close. */
  readonly right: readonly Uint8Array[];
}

let pools: readonly Pool[] | undefined;

function makePools(): readonly Pool[] {
  return ROLES.map((role) => {
    const short = casesFor(role).filter(({ stream }) => stream.length < 600);
    const isRight = ({ stream }: Case): boolean => {
      const decoder = new ReferenceDecoder({ server: role === "server" });
      decoder.push(stream);
      return decoder.error === undefined;
    };
    return { role, short, right: short.filter(isRight).map((one) => withoutEnd(one, role)) };
  });
}

/** Frames from several of the streams above, sometimes with one bit changed. */
export function randomStream(source: Random): { role: Role; stream: Uint8Array } {
  pools ??= makePools();
  const { role, short, right } = source.pick(pools);
  const parts: Uint8Array[] = [];
  for (let n = source.integer(1, 5); n > 0; n--) parts.push(source.pick(right));
  parts.push(source.chance(0.5) ? source.pick(short).stream : source.pick(right));
  const stream = concat(parts);
  if (source.chance(0.2) && stream.length > 0) {
    stream[source.integer(0, stream.length - 1)]! ^= 1 << source.integer(0, 7);
  }
  return { role, stream };
}

/** The random streams of a seed. */
export function random(seed: number, count: number): Case[] {
  const source = new Random(seed);
  return Array.from({ length: count }, (_, i) => ({
    ...randomStream(source),
    rule: "random",
    name: `seed ${seed}, stream ${i}`,
  }));
}

/** The stream up to its first Close, so that another stream can follow. */
function withoutEnd({ stream }: Case, role: Role): Uint8Array {
  const decoder = new ReferenceDecoder({ server: role === "server" });
  decoder.push(stream);
  const messages = decoder.frames.findLastIndex(({ opcode, fin }) => opcode < 8 && !fin);
  const ends = decoder.frames.findIndex(({ opcode }) => opcode === 8);
  const open = messages >= 0 && !decoder.frames.slice(messages).some(({ opcode, fin }) => opcode < 8 && fin);
  return open || ends < 0 ? new Uint8Array(0) : stream.subarray(0, decoder.frames[ends]!.headerOffset);
}
