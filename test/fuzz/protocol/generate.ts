// Makes cases. Most calls are those of correct programs and peers, and some are wrong.

import type { Random } from "../../support/random.ts";
import type { Call, Data, DeflateSettings, Form, Incoming, ProtocolCase, Settings, Via, Wrong } from "./case.ts";

const TEXTS = [
  "",
  "a",
  "hello",
  "Grüße",
  "мир",
  "世界",
  "😀",
  "\u0000",
  "\ufeff",
  "\u{10ffff}",
  "\ud7ff\ue000",
  "x".repeat(15),
];
const HALVES = ["\ud83d", "\ude00", "a\ud83d", "\ude00b"];
/** Sequences that are invalid or incomplete UTF-8. */
const WRONG_UTF8 = [
  "\x80",
  "\xc0\xaf",
  "\xed\xa0\x80",
  "\xf4\x90\x80\x80",
  "\xff",
  "\xc3",
  "\xe2\x82",
  "\xf0\x9f\x98",
  "a\xe2\x82b",
];
const LENGTHS = [0, 1, 2, 15, 16, 17, 63, 64, 65, 124, 125, 126, 127, 128, 255, 256];
const LARGE = [1023, 1024, 1025, 4095, 4096, 4097, 16384, 16385, 65534, 65535, 65536, 65537, 70_000, 131_080];
const CODES = [1000, 1001, 1002, 1003, 1007, 1011, 1014, 3000, 4001, 4999];
const WRONG_CODES = [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535];
const FORMS: readonly (Form | undefined)[] = [
  undefined,
  undefined,
  undefined,
  "bytes",
  "offset",
  "view",
  "buffer",
  "shared",
];
const WRONGS: readonly Wrong[] = [
  "chunk",
  "commit too long",
  "commit negative",
  "commit fraction",
  "data",
  "options",
  "ping",
  "reason",
  "sink",
];

/** The generator's knowledge of a connection, which suffices to be valid most of the time. */
interface Knowledge {
  readonly settings: Settings;
  /** Whether the peer is inside a message, and the kind of message that we are sending. */
  peerOpen: boolean;
  open: "text" | "binary" | undefined;
}

/** Properties that the connections of a case share, like those of one program. */
interface Theme {
  /** The probability of compression, and of a source of keys that uses other connections. */
  readonly deflate: number;
  readonly nestedKeys: number;
}

const NO_THEME: Theme = { deflate: 0.05, nestedKeys: 0.05 };

export function generateCase(random: Random): ProtocolCase {
  const count = random.pick([1, 1, 2, 2, 3, 4]);
  const compressing = random.chance(0.08);
  const theme = {
    deflate: compressing ? 0.9 : NO_THEME.deflate,
    nestedKeys: random.chance(compressing ? 0.3 : 0.06) ? 0.8 : NO_THEME.nestedKeys,
  };
  const shared = random.chance(0.2) ? settings(random, theme) : undefined;
  const known: Knowledge[] = [];
  for (let i = 0; i < count; i++) {
    known.push({ settings: shared ?? settings(random, theme), peerOpen: false, open: undefined });
  }
  const calls: Call[] = [];
  const length = random.pick([5, 20, 40, 40, 80, 160]) * Math.min(2, count);
  for (let i = 0; i < length; i++) calls.push(makeCall(random, known, 0));
  return { connections: known.map((one) => one.settings), calls };
}

/** One more call for a case. */
export function generateCall(random: Random, connections: readonly Settings[]): Call {
  return makeCall(
    random,
    connections.map((each) => ({ settings: each, peerOpen: false, open: undefined })),
    0,
  );
}

export function settings(random: Random, theme: Theme = NO_THEME): Settings {
  const nestedKeys = random.chance(theme.nestedKeys);
  const role = nestedKeys || random.chance(0.5) ? "client" : "server";
  const made: { -readonly [Name in keyof Settings]: Settings[Name] } = {
    role,
    core: random.chance(0.6) ? "wasm" : "portable",
  };
  if (random.chance(theme.deflate)) made.deflate = deflateSettings(random);
  if (random.chance(0.25)) made.fragments = true;
  else if (random.chance(0.1)) made.textBytes = true;
  if (random.chance(0.1)) made.copies = true;
  if (random.chance(0.1)) made.texts = true;
  if (random.chance(0.1)) made.autoPong = false;
  if (random.chance(0.15)) made.fragmentSize = random.pick([1, 2, 7, 100, 125, 126, 1000, 65536, -1]);
  if (random.chance(made.deflate ? 0.5 : 0.05)) made.sliceSize = random.pick([1, 10, 100, 1000, 32768, -1]);
  if (random.chance(0.2)) made.textSlack = random.pick([0, 1, 20, 65536]);
  if (random.chance(0.3)) made.limits = limits(random);
  if (random.chance(0.05)) made.allowUnmasked = true;
  if (random.chance(0.05)) made.allowMasked = true;
  if (random.chance(0.1)) made.allowNonMinimalLength = true;
  if (random.chance(0.05)) made.allowInvalidClose = true;
  if (random.chance(0.07)) made.allowInvalidUtf8 = true;
  if (nestedKeys) made.maskKey = "nested";
  else if (random.chance(0.1)) made.maskKey = random.pick(["fixed", "function"] as const);
  if (random.chance(0.2)) made.dirty = true;
  if (random.chance(0.05)) made.decoder = true;
  if (random.chance(0.2)) {
    const time = (): number => random.pick([1, 10, 1000, 30_000]);
    made.keepalive = { pingInterval: time(), pongTimeout: time(), closeTimeout: random.pick([0, 10, 1000]) };
  }
  return made;
}

function limits(random: Random): NonNullable<Settings["limits"]> {
  const made: { -readonly [Name in keyof NonNullable<Settings["limits"]>]: number } = {};
  if (random.chance(0.3)) made.maxFrame = random.pick([0, 1, 10, 125, 126, 1000, 65535, 99.5, -1]);
  if (random.chance(0.4)) made.maxMessage = random.pick([0, 1, 10, 125, 126, 1000, 2000, 65535, 20.5, -1]);
  if (random.chance(0.3)) made.maxFragments = random.pick([1, 2, 3, 10, -1]);
  if (random.chance(0.3)) made.maxControlFrames = random.pick([0, 1, 2, 10, -1]);
  if (random.chance(0.3)) made.controlPeriod = random.pick([0, 1, 10, 1000, -1]);
  if (random.chance(0.3)) made.maxPendingPongs = random.pick([0, 1, 2, 10, -1]);
  return made;
}

function deflateSettings(random: Random): DeflateSettings {
  const made: { -readonly [Name in keyof DeflateSettings]: DeflateSettings[Name] } = {};
  if (random.chance(0.3)) made.codec = true;
  if (random.chance(0.7)) made.threshold = random.pick([0, 0, 1, 10, 100, 1024, -1]);
  if (random.chance(0.3)) made.level = random.integer(-1, 9);
  if (random.chance(0.2)) made.history = random.pick([0, 1, 100, 4096, 32768]);
  if (random.chance(0.2)) made.maxInflateRatio = random.pick([1, 2, 10, 100, -1]);
  if (random.chance(0.1)) made.contextBudget = random.pick([0, 10_000, 200_000]);
  if (random.chance(0.3)) made.serverNoContextTakeover = true;
  if (random.chance(0.3)) made.clientNoContextTakeover = true;
  if (random.chance(0.3)) made.serverMaxWindowBits = random.integer(8, 15);
  if (random.chance(0.3)) made.clientMaxWindowBits = random.integer(8, 15);
  return made;
}

function makeCall(random: Random, known: readonly Knowledge[], depth: number): Call {
  const c = random.integer(0, known.length - 1);
  const one = known[c]!;
  const nesting = (): { at?: number; inside?: Call[] } => {
    const often = one.settings.maskKey === "nested" ? 0.4 : 0.15;
    if (depth >= 3 || !random.chance(depth === 0 ? often : 0.3)) return {};
    const inside: Call[] = [];
    // A source of keys is called during a send, so sending on other connections then is most likely to interfere.
    if (one.settings.maskKey === "nested" && random.chance(0.5)) {
      const other = random.integer(0, known.length - 1);
      inside.push(sending(random, other, known[other]!, {}));
    }
    for (let n = random.integer(1, 3); n > 0; n--) inside.push(makeCall(random, known, depth + 1));
    const at = random.pick([0, 0, 0, 1, 2, 5]);
    return at > 0 ? { at, inside } : { inside };
  };
  const roll = random.next();
  if (roll < 0.4) return receiving(random, c, one, nesting());
  if (roll < 0.62) return sending(random, c, one, nesting());
  if (roll < 0.68) return control(random, c, nesting());
  if (roll < 0.8) return random.chance(0.1) ? { c, op: "take", hold: true } : { c, op: "take" };
  if (roll < 0.86) {
    const size = random.pick([0, 1, 5, 20, 100, 1000, 16_384, 100_000]);
    return random.chance(0.1) ? { c, op: "into", size, hold: true } : { c, op: "into", size };
  }
  if (depth > 0 && roll < 0.9) return random.chance(0.03) ? { c, op: "throw" } : { c, op: "pause" };
  if (roll < 0.885) return { c, op: "pause" };
  if (roll < 0.93) return { c, op: "resume", ...later(random), ...nesting() };
  if (roll < 0.932) return { c, op: "reserve", sends: incoming(random, one), size: sizeOf(random) };
  if (roll < 0.945) return { c, op: "commit", ...later(random), ...nesting() };
  if (one.settings.decoder && random.chance(0.5)) return { c, op: "move" };
  if (roll < 0.955) return { c, op: "release" };
  if (roll < 0.982) return { c, op: "wrong", what: random.pick(WRONGS) };
  if (roll < 0.988) return { c, op: "tick", later: random.pick([0, 1, 10, 500, 5000]) };
  if (roll < 0.99) return { c, op: "alive", later: 0 };
  if (roll < 0.993) return close(random, c);
  if (roll < 0.996) return { c, op: "fail", closeCode: random.pick([1002, 1008, 1011, 4000, 1005, 0]) };
  if (roll < 0.999) return { c, op: "end", via: random.pick(["push", "receive"] as const), ...nesting() };
  return { c, op: "cut" };
}

function later(random: Random): { later?: number } {
  return random.chance(0.3) ? { later: random.pick([0, 0, 1, 10, 500, 5000, 100_000, -5]) } : {};
}

function receiving(random: Random, c: number, one: Knowledge, nesting: { at?: number; inside?: Call[] }): Call {
  const via: Via = random.pick(["push", "push", "push", "receive", "commit", "window"] as const);
  const form = random.pick(FORMS);
  const sends = random.chance(0.85) ? incoming(random, one) : [];
  return {
    c,
    op: "in",
    ...(sends.length > 0 && { sends }),
    size: sizeOf(random),
    via,
    ...(form !== undefined && { form }),
    ...later(random),
    ...nesting,
  };
}

function sizeOf(random: Random): number {
  return random.chance(0.55) ? -1 : random.pick([0, 1, 2, 3, 5, 7, 10, 20, 50, 200, 5000]);
}

function sending(random: Random, c: number, one: Knowledge, nesting: { at?: number; inside?: Call[] }): Call {
  const roll = random.next();
  if (roll < 0.08) return { c, op: "copy", data: data(random) };
  if (roll < 0.2 && one.open === undefined) {
    const own = data(random);
    return { c, op: "send", data: own, prepared: true, ...sendOptions(random, one, false), ...nesting };
  }
  const pieces = one.open !== undefined || random.chance(0.15);
  let own = one.settings.deflate !== undefined && random.chance(0.3) ? { t: json(random) } : data(random);
  if (pieces && random.chance(0.2))
    own = random.chance(0.5) ? { t: random.pick(HALVES) } : { b: random.pick(WRONG_UTF8) };
  const form = random.pick(FORMS);
  const call = {
    c,
    op: "send",
    data: own,
    ...(form !== undefined && { form }),
    ...sendOptions(random, one, pieces),
    ...nesting,
  } as const;
  return call;
}

function sendOptions(
  random: Random,
  one: Knowledge,
  pieces: boolean,
): { binary?: boolean; fin?: boolean; compress?: boolean; fragmentSize?: number } {
  const options: { binary?: boolean; fin?: boolean; compress?: boolean; fragmentSize?: number } = {};
  if (pieces) {
    const open = one.open ?? random.pick(["text", "binary"] as const);
    options.binary = random.chance(0.05) ? open === "text" : open === "binary";
    options.fin = random.chance(0.4);
    one.open = options.fin ? undefined : open;
    if (random.chance(0.02)) delete options.binary;
  } else if (random.chance(0.1)) {
    options.binary = random.chance(0.5);
  }
  if (random.chance(0.15)) options.compress = random.chance(0.7);
  if (random.chance(0.08)) options.fragmentSize = random.pick([1, 2, 10, 125, 126, 4096, -1, 0.5]);
  return options;
}

function control(random: Random, c: number, nesting: { at?: number; inside?: Call[] }): Call {
  const op = random.pick(["ping", "pong"] as const);
  if (random.chance(0.3)) return { c, op, ...nesting };
  return { c, op, data: random.chance(0.05) ? { f: 1, n: random.pick([125, 126, 5000]) } : short(random), ...nesting };
}

function close(random: Random, c: number): Call {
  if (random.chance(0.2)) return { c, op: "close" };
  const code = random.chance(0.8) ? random.pick(CODES) : random.pick(WRONG_CODES);
  const reason = random.pick(["", "bye", "Grüße", "😀".repeat(40), "x".repeat(122) + "ü", "\ud83d"]);
  return { c, op: "close", code, reason };
}

function short(random: Random): Data {
  return random.chance(0.5) ? { t: random.pick(TEXTS) } : { b: "pq".slice(0, random.integer(0, 2)) };
}

function data(random: Random): Data {
  const roll = random.next();
  if (roll < 0.45) return short(random);
  if (roll < 0.75) return { t: text(random) };
  if (roll < 0.98) return { f: random.integer(0, 255), n: random.pick(LENGTHS) };
  if (roll < 0.998) return random.chance(0.5) ? { t: json(random) } : { b: json(random) };
  const n = random.pick(random.chance(0.8) ? LARGE.slice(0, 6) : LARGE);
  return random.chance(0.5) ? { f: 0x61, n } : { t: random.pick(["x", "ü", "😀"]).repeat(n >> 2) };
}

function text(random: Random): string {
  let made = "";
  for (let n = random.integer(0, 5); n > 0; n--) made += random.pick(TEXTS);
  return made;
}

/** Data that compresses well. */
function json(random: Random): string {
  let made = "";
  for (let n = random.integer(1, 12); n > 0; n--)
    made += `{"id":${random.integer(0, 9999)},"name":"${random.pick(TEXTS.slice(1, 4))}"},`;
  return made;
}

/** The next frames of a peer, valid or not. */
function incoming(random: Random, one: Knowledge): Incoming[] {
  const made: Incoming[] = [];
  for (let n = random.pick([1, 1, 1, 2, 3, 6]); n > 0; n--) made.push(oneIncoming(random, one));
  return made;
}

function oneIncoming(random: Random, one: Knowledge): Incoming {
  const { settings: of } = one;
  const key = of.role === "server" && random.chance(0.5) ? { key: random.integer(0, 0x7fffffff) } : {};
  if (random.chance(0.006)) return wrong(random, one);
  if (random.chance(0.16)) return { op: random.pick([9, 10]), data: short(random), ...key };
  if (random.chance(0.006)) return peerClose(random);
  if (one.peerOpen) {
    const fin = random.chance(0.4);
    one.peerOpen = !fin;
    return { op: 0, data: continuation(random), fin, ...key };
  }
  if (of.deflate !== undefined && random.chance(0.3)) return compressed(random, key);
  const op = random.pick([1, 1, 2]);
  const own = op === 1 ? textual(random) : data(random);
  if (random.chance(0.15)) {
    one.peerOpen = true;
    return { op, data: own, fin: false, ...key };
  }
  if (random.chance(0.12))
    return { op, data: own, cut: random.pick([1, 2, 3, 10, 100]), pings: random.chance(0.3), ...key };
  return { op, data: own, ...key };
}

/** Text, which is UTF-8 with few exceptions. */
function textual(random: Random): Data {
  if (random.chance(0.005)) return { b: random.pick(WRONG_UTF8) };
  const made = data(random);
  if ("t" in made) return made;
  return "f" in made ? { f: made.f & 0x7f, n: made.n } : { t: made.b };
}

/** The continuation of a text or binary message. */
function continuation(random: Random): Data {
  return random.chance(0.9) ? textual(random) : { f: 0x61, n: random.pick(LENGTHS) };
}

function compressed(random: Random, key: { key?: number }): Incoming {
  const op = random.pick([1, 2]);
  const own = random.chance(0.004)
    ? { f: 0, n: random.pick([100_000, 300_000]) }
    : op === 1
      ? textual(random)
      : data(random);
  const deflate = {
    level: random.pick([0, 1, 6, 6, 9]),
    ...(random.chance(0.04) && { finals: random.pick([1, 2, 63, 64, 65]) }),
    ...(random.chance(0.02) && { flip: random.integer(0, 1000) }),
    ...(random.chance(0.01) && { drop: random.integer(1, 5) }),
  };
  // With many final blocks, only the inflater can tell which frame exceeds the limit.
  const cut =
    deflate.finals === undefined && random.chance(0.3)
      ? { cut: random.pick([1, 2, 5, 20]), pings: random.chance(0.3) }
      : {};
  return { op, data: own, deflate, ...cut, ...key };
}

function peerClose(random: Random): Incoming {
  const roll = random.next();
  if (roll < 0.15) return { op: 8 };
  if (roll < 0.2) return { op: 8, data: { b: "\x03" } };
  const code = roll < 0.9 ? random.pick(CODES) : random.pick(WRONG_CODES);
  const reason =
    Buffer.from(random.pick(TEXTS)).toString("latin1") + (random.chance(0.05) ? random.pick(WRONG_UTF8) : "");
  return { op: 8, data: { b: String.fromCharCode(code >> 8, code & 255) + reason } };
}

function wrong(random: Random, { settings: of }: Knowledge): Incoming {
  const own = short(random);
  switch (random.integer(0, 6)) {
    case 0:
      return { op: random.integer(0, 15), data: own, fin: random.chance(0.5) };
    case 1:
      return { op: random.pick([0, 1, 2, 8, 9]), data: own, rsv: random.integer(1, 7) };
    case 2:
      return { op: 1, data: own, key: of.role === "server" ? -1 : 5 };
    case 3:
      return { op: 2, data: own, lengthBytes: random.pick([3, 9]) };
    case 4:
      return {
        op: random.pick([1, 2, 9]),
        data: own,
        claims: random.pick([
          "9223372036854775808",
          "18446744073709551615",
          "9007199254740992",
          "9007199254740991",
          "104857601",
        ]),
      };
    case 5:
      return { op: random.pick([8, 9, 10]), data: { f: 0x62, n: 126 }, lengthBytes: 3 };
    default:
      return { op: random.pick([8, 9, 10]), data: own, fin: false };
  }
}
