// Compares both cores call by call, without a decoder or encoder. The WASM core must leave the same records, payloads,
// state and memory as the portable one, which is written byte by byte.

import { expect, test } from "vitest";
import * as map from "../assembly/memory.ts";
import type { Core } from "../src/core/core.ts";
import { createPortableCore } from "../src/core/portable.ts";
import { createWasmCore } from "../src/core/wasm.ts";
import { concat, serialize } from "./reference/serialize.ts";
import { Random } from "./support/random.ts";

const wasm = createWasmCore();
const reference = createPortableCore();
const BOTH: readonly Core[] = [wasm, reference];

const RELAXED = [
  map.CONFIG_ALLOW_UNMASKED,
  map.CONFIG_ALLOW_MASKED,
  map.CONFIG_ALLOW_NON_MINIMAL_LENGTH,
  map.CONFIG_ALLOW_INVALID_UTF8,
  map.CONFIG_ALLOW_INVALID_CLOSE,
  map.BIT_RSV1,
];
const WHOLE = map.FLAG_START | map.FLAG_END;
const TEXT = map.BIT_FIN | map.OPCODE_TEXT;
const BINARY = map.BIT_FIN | map.OPCODE_BINARY;
const LENGTHS = [0, 0, 1, 2, 3, 5, 14, 15, 16, 17, 31, 32, 33, 63, 64, 65, 100, 124, 125, 126, 127, 200, 700];
const CHARACTERS = ["a", "~", "\x7f", "\x80", "é", "\u07ff", "\u0800", "漢", "\ud7ff", "\uffff", "😀", "\u{10ffff}"];

interface Settings {
  readonly config: number;
  readonly maxPayload: number;
  readonly slack: number;
}

/** Text of about this many bytes: ASCII, or characters of all lengths. */
function text(random: Random, length: number): Uint8Array {
  const some = random.chance(0.4)
    ? CHARACTERS.slice(0, 3)
    : random.chance(0.5)
      ? ["a", "b", random.pick(CHARACTERS)]
      : CHARACTERS;
  let string = "";
  while (Buffer.byteLength(string) < length) string += random.pick(some);
  return Buffer.from(string);
}

function payloadFor(random: Random, opcode: number): Uint8Array {
  const length = opcode >= map.BIT_CONTROL ? random.integer(0, 125) : random.pick(LENGTHS);
  if (opcode === map.OPCODE_CLOSE) {
    const code = random.pick([1000, 1003, 1007, 1011, 3000, 4999, 1004, 1005, 1006, 1015, 999, 2999, 5000]);
    const close = Buffer.concat([Uint8Array.of(code >> 8, code & 255), text(random, random.integer(0, 30))]);
    return close.subarray(0, random.pick([0, 1, 2, 3, 123]));
  }
  if (opcode === map.OPCODE_BINARY && random.chance(0.5)) return random.bytes(length);
  const bytes = text(random, length);
  // Cut inside a character, or with a wrong byte.
  if (random.chance(0.05)) return bytes.subarray(0, random.integer(0, bytes.length));
  if (bytes.length > 0 && random.chance(0.03)) bytes[random.integer(0, bytes.length - 1)] = random.integer(0x80, 0xff);
  return bytes;
}

/** Frames from a peer: nearly all are valid, and most are short messages. */
function frames(random: Random, config: number, count: number): Uint8Array {
  const parts: Uint8Array[] = [];
  let open = false;
  for (let i = 0; i < count; i++) {
    const kind = random.next();
    let opcode = random.pick([map.OPCODE_TEXT, map.OPCODE_TEXT, map.OPCODE_BINARY]);
    if (kind < 0.06) opcode = random.integer(9, 10);
    else if (kind < 0.07) opcode = random.pick([map.OPCODE_CLOSE, random.integer(0, 15)]);
    else if (open) opcode = map.OPCODE_CONTINUATION;
    const fin: boolean = opcode >= map.BIT_CONTROL || random.chance(open ? 0.5 : 0.93);
    if (opcode < map.BIT_CONTROL) open = !fin;
    const masked = ((config & map.CONFIG_SERVER) !== 0) !== random.chance(0.01);
    const payload = payloadFor(random, opcode);
    const rsv = random.chance(config & map.BIT_RSV1 ? 0.1 : 0.003) ? random.pick([4, 4, 1, 2]) : 0;
    const maskKey = masked ? [...random.bytes(4)] : undefined;
    parts.push(
      serialize({
        fin,
        rsv,
        opcode,
        payload,
        maskKey,
        ...(random.chance(0.005) ? { lengthBytes: random.pick([3, 9]) } : {}),
      }),
    );
  }
  const stream = concat(parts);
  if (random.chance(0.2)) stream[random.integer(0, stream.length - 1)]! ^= 1 << random.integer(0, 7);
  return stream;
}

function begin({ config, maxPayload, slack }: Settings): void {
  for (const core of BOTH) {
    core.bytes.fill(0, 0, map.UNITS);
    core.i32[map.STATE_CONFIG >> 2] = config;
    core.i32[map.STATE_SLACK >> 2] = slack;
    core.f64[map.STATE_MAX_PAYLOAD >> 3] = maxPayload;
  }
}

/** Faster than expect(), which would take most of the time of this test. */
function expectEqual(actual: unknown, expected: unknown): void {
  if (JSON.stringify(actual) !== JSON.stringify(expected)) expect(actual).toEqual(expected);
}

interface Found {
  readonly flags: number;
  /** The place of the payload in the window or, for a run of texts, the UTF-16 lengths of all texts. */
  readonly from: number | number[];
  readonly bytes: string;
}

/**
 * The records that decode() left in a core. Consecutive runs of texts are joined, because each core may start them
 * where it likes.
 */
function found(core: Core, records: number, { config, maxPayload, slack }: Settings): Found[] {
  if (records > map.MAX_RECORDS) expect.fail(`${records} records`);
  const list: Found[] = [];
  let unit = map.UNITS;
  let output = map.OUTPUT;
  let runLength = 0;
  for (let i = 0; i < records; i++) {
    const at = (map.TABLE + i * map.RECORD_SIZE) >> 2;
    const [flags, payload, length, last] = [...core.i32.subarray(at, at + 4)] as [number, number, number, number];
    const most = flags & map.FLAG_TEXT ? map.TABLE : map.WINDOW + map.WINDOW_SIZE;
    if (length > map.WINDOW_SIZE || last > most) expect.fail(`${length} bytes, and ${last}`);
    const bytes = core.bytes.subarray(payload, payload + length);
    const content = Buffer.from(bytes).toString("latin1");
    if (config & map.CONFIG_COMPACT && payload !== output) expect.fail(`a payload is at ${payload}, not at ${output}`);
    output = payload + length;
    if (!(flags & map.FLAG_TEXT)) {
      if (core === wasm) {
        const isShort = length <= Math.min(125, maxPayload) && ((flags >> map.FLAG_HEADER_SHIFT) & 15) < 7;
        const first = flags & map.FLAG_FIRST_BYTE;
        const isMasked = (flags & map.FLAG_MASKED) !== 0;
        const isUsual = isMasked === ((config & map.CONFIG_SERVER) !== 0) && (first === TEXT || first === BINARY);
        const isHinted = isUsual && isShort && (flags & WHOLE) === WHOLE && bytes.every((byte) => byte < 0x80);
        if (((flags & map.FLAG_ASCII) !== 0) !== isHinted) expect.fail(`FLAG_ASCII is ${!isHinted}`);
      }
      list.push({ flags: flags & ~map.FLAG_ASCII, from: last, bytes: content });
      continue;
    }
    const units = [...core.i32.subarray(unit >> 2, last >> 2)];
    if (units.length === 0 || (units.length > 1 && length > slack))
      expect.fail(`${units.length} texts in ${length} bytes`);
    const isWide = bytes.some((byte) => byte >= 0x80);
    // Texts before a wrong one may be marked as wide.
    if (isWide !== ((flags & map.FLAG_WIDE) !== 0) && (isWide || core.i32[map.STATE_ERROR >> 2] === 0)) {
      expect.fail(`FLAG_WIDE is ${!isWide}`);
    }
    const before = list.at(-1);
    if (before?.flags === map.FLAG_TEXT) {
      if (runLength + length <= slack) expect.fail("Two runs of texts would fit one");
      list.pop();
      list.push({ flags: before.flags, from: [...(before.from as number[]), ...units], bytes: before.bytes + content });
    } else {
      list.push({ flags: map.FLAG_TEXT, from: units, bytes: content });
    }
    unit = last;
    runLength = length;
  }
  return list;
}

/** The fields of the state that the caller or the next call reads. */
function stateOf(core: Core): Readonly<Record<string, number>> {
  const get = (field: number): number => core.i32[field >> 2]!;
  const [consumed, error, frame] = [get(map.STATE_CONSUMED), get(map.STATE_ERROR), get(map.STATE_FRAME)];
  if (error !== 0) return { consumed, error, at: get(map.STATE_ERROR_AT) };
  const state = { consumed, frame, message: get(map.STATE_MESSAGE), utf8: get(map.STATE_UTF8) };
  if (frame === 0) return state;
  return {
    ...state,
    key: get(map.STATE_KEY),
    close: get(map.STATE_CLOSE),
    remaining: core.f64[map.STATE_REMAINING >> 3]!,
  };
}

/** Decodes a stream in chunks on both cores. @returns the error at the end, or 0 */
function decodeOnBoth(stream: Uint8Array, settings: Settings, chunk: () => number): number {
  begin(settings);
  let kept = new Uint8Array(0);
  for (let at = 0; at < stream.length || kept.length > 0;) {
    const next = Math.min(stream.length, at + Math.min(chunk(), map.WINDOW_SIZE - kept.length));
    const bytes = concat([kept, stream.subarray(at, next)]);
    at = next;
    for (const core of BOTH) {
      // Bytes after the chunk that look like another frame.
      core.bytes.fill(0, map.WINDOW, map.WINDOW + bytes.length + 300);
      core.bytes.set(bytes, map.WINDOW);
      core.bytes.set([TEXT, (settings.config & map.CONFIG_SERVER) << 7], map.WINDOW + bytes.length);
    }
    const end = map.WINDOW + bytes.length;
    const [count, expected] = BOTH.map((core) => core.decode(map.WINDOW, end)) as [number, number];
    expectEqual(stateOf(wasm), stateOf(reference));
    expectEqual(found(wasm, count, settings), found(reference, expected, settings));
    const [window, expectedWindow] = BOTH.map((core) => core.bytes.subarray(map.WINDOW, end + 300)) as [
      Uint8Array,
      Uint8Array,
    ];
    if (Buffer.compare(window, expectedWindow) !== 0) expect.fail("the windows differ");
    const error = wasm.i32[map.STATE_ERROR >> 2]!;
    if (error !== 0) return error;
    const consumed = wasm.i32[map.STATE_CONSUMED >> 2]! - map.WINDOW;
    kept = bytes.slice(consumed);
    if (wasm.i32[map.STATE_MESSAGE >> 2]! & map.MESSAGE_CLOSED || (at === stream.length && consumed === 0)) break;
  }
  return 0;
}

test("decode(): any frames, with any settings, cut anywhere", () => {
  const errors = new Set<number>();
  for (let seed = 0; seed < 300; seed++) {
    const random = new Random(seed);
    let config = random.integer(0, 1);
    for (const bit of RELAXED) if (random.chance(0.12)) config |= bit;
    if (random.chance(0.7)) config |= map.CONFIG_COMPACT;
    if (config & map.CONFIG_COMPACT && random.chance(0.7)) config |= map.CONFIG_STRINGS;
    const settings = {
      config,
      maxPayload: random.pick([Infinity, Infinity, 2 ** 53, 700, 126, 125, 124, 16]),
      slack: random.pick([0, 1, 20, 300, 1024, 1 << 20]),
    };
    const stream = frames(random, config, random.integer(1, 40));
    const longest = random.pick(stream.length < 300 ? [1, 3, 20] : [100, 300, map.WINDOW_SIZE]);
    errors.add(decodeOnBoth(stream, settings, () => random.integer(1, longest)));
  }
  expect(errors.size).toBeGreaterThanOrEqual(12);
});

test("decode(): all close codes, and larger numbers", () => {
  const settings = { config: 0, maxPayload: Infinity, slack: 0 };
  for (let code = 0; code < 6000; code++) {
    const payload = Uint8Array.of(code >> 8, code & 255);
    const [found, expected] = BOTH.map((core) => {
      core.bytes.set([map.BIT_FIN | map.OPCODE_CLOSE, 2, ...payload], map.WINDOW);
      begin(settings);
      core.decode(map.WINDOW, map.WINDOW + 4);
      return core.i32[map.STATE_ERROR >> 2];
    });
    if (found !== expected) expect.fail(`${code}: ${found} instead of ${expected}`);
  }
});

test("decode(): more frames than the table holds, and more texts than there is room for their lengths", () => {
  const random = new Random(1);
  for (const config of [map.CONFIG_COMPACT, map.CONFIG_COMPACT | map.CONFIG_STRINGS, map.CONFIG_SERVER]) {
    const maskKey = config & map.CONFIG_SERVER ? [1, 2, 3, 4] : undefined;
    const payload = Buffer.from("é");
    const [word, empty] = [payload, payload.subarray(0, 0)].map((each) =>
      serialize({ opcode: 1, payload: each, maskKey }),
    ) as [Uint8Array, Uint8Array];
    const ping = serialize({ opcode: 9, payload, maskKey });
    for (const share of [0, 0.01]) {
      const stream = concat(
        Array.from({ length: 4500 }, () => (random.chance(share) ? ping : random.chance(0.1) ? word : empty)),
      );
      expect(decodeOnBoth(stream, { config, maxPayload: Infinity, slack: 4000 }, () => map.WINDOW_SIZE)).toBe(0);
    }
  }
});

/** A text payload, and its length in UTF-16 code units. */
function textOf(random: Random, length: number): { bytes: Uint8Array; units: number } {
  const bytes = text(random, length);
  return { bytes, units: Buffer.from(bytes).toString().length };
}

test("encode(): any frames, with and without keys", () => {
  for (let seed = 0; seed < 150; seed++) {
    const random = new Random(seed);
    const masked = random.pick([0, 1]);
    const isAscii = random.chance(0.3);
    const parts: Uint8Array[] = [];
    const records: number[] = [];
    const count = random.integer(0, 40);
    for (let i = 0; i < count; i++) {
      const first = random.integer(0, 255);
      const length = random.pick([...LENGTHS, 1000]);
      if (random.chance(0.5)) {
        const bytes = isAscii ? Buffer.alloc(length, "a") : random.bytes(length);
        parts.push(bytes);
        records.push((first << map.ENCODE_FIRST_BYTE_SHIFT) | bytes.length | (isAscii ? map.ENCODE_UNITS : 0));
      } else if (!isAscii) {
        const { bytes, units } = textOf(random, length);
        parts.push(bytes);
        records.push((first << map.ENCODE_FIRST_BYTE_SHIFT) | map.ENCODE_UNITS | units);
      }
    }
    const payloads = concat(parts);
    const keys = random.bytes(4 * records.length);
    const results = BOTH.map((core) => {
      core.bytes.set(keys, map.KEYS);
      core.i32.set(records, map.TABLE >> 2);
      core.bytes.set(payloads, map.WINDOW);
      // The bytes after the payloads look like continuation bytes.
      core.bytes.fill(0x80, map.WINDOW + payloads.length, map.WINDOW + payloads.length + 64);
      const end = core.encode(records.length, map.WINDOW + payloads.length, isAscii ? 1 : 0, masked);
      return Buffer.from(core.bytes.subarray(map.OUTPUT, end));
    }) as [Buffer, Buffer];
    if (!results[0].equals(results[1])) expect(results[0].toString("hex")).toBe(results[1].toString("hex"));
  }
});
