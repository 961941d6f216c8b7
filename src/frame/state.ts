// A decoder's state as bytes, for save() and restore().
//
//   u8  version      u8  1 for role server   u8  error number   u8  length of a cut header
//   f64 offset       u32 message             u32 utf8           f64 error offset
//   the bytes of the cut header
//   u8  the frame in progress: 0 none, 1 collected, 2 streaming; and if there is one
//   u32 flags        u32 key                 u32 rotated key    u32 close
//   f64 length       f64 remaining           f64 offset         what has been collected

import {
  BITS_OPCODE,
  FLAG_FIRST_BYTE,
  FLAG_HEADER_MASK,
  FLAG_HEADER_SHIFT,
  FLAG_MASKED,
  MESSAGE_CLOSED,
  MESSAGE_OPEN,
  MESSAGE_TEXT,
} from "../../assembly/memory.ts";
import { isErrorNumber } from "./errors.ts";
import { Opcode } from "./opcodes.ts";
import { assertBytes } from "./options.ts";
import { PartialFrame } from "./partial.ts";

const VERSION = 1;
const FIXED_SIZE = 28;
const PARTIAL_SIZE = 40;
const MAX_HEADER = 14;
/** Three bytes: see assembly/utf8.ts. */
const MAX_UTF8_STATE = 0xffffff;
const OPCODES: readonly number[] = /* @__PURE__ */ Object.values(Opcode);

/** @internal */
export interface DecoderState {
  readonly server: boolean;
  readonly offset: number;
  readonly message: number;
  readonly utf8: number;
  readonly cut: Uint8Array | undefined;
  readonly partial: PartialFrame | undefined;
  /** ERROR_*, 0 for none. */
  readonly errorNumber: number;
  readonly errorOffset: number;
}

/** @internal */
export function writeState(state: DecoderState): Uint8Array {
  const { cut, partial } = state;
  const cutLength = cut?.length ?? 0;
  const collected = partial?.collected;
  const bytes = new Uint8Array(FIXED_SIZE + 1 + cutLength + (partial ? PARTIAL_SIZE : 0) + (collected?.length ?? 0));
  const view = new DataView(bytes.buffer);
  view.setUint8(0, VERSION);
  view.setUint8(1, state.server ? 1 : 0);
  view.setUint8(2, state.errorNumber);
  view.setUint8(3, cutLength);
  view.setFloat64(4, state.offset);
  view.setUint32(12, state.message);
  view.setUint32(16, state.utf8);
  view.setFloat64(20, state.errorOffset);
  let at = FIXED_SIZE;
  if (cut) bytes.set(cut, at);
  at += cutLength;
  view.setUint8(at++, partial ? (partial.streaming ? 2 : 1) : 0);
  if (partial && collected) {
    view.setUint32(at, partial.flags);
    view.setUint32(at + 4, partial.key);
    view.setUint32(at + 8, partial.rotatedKey);
    view.setUint32(at + 12, partial.close);
    view.setFloat64(at + 16, partial.payloadLength);
    view.setFloat64(at + 24, partial.remaining);
    view.setFloat64(at + 32, partial.payloadOffset);
    bytes.set(collected, at + PARTIAL_SIZE);
  }
  return bytes;
}

function isOffset(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

function assert(condition: boolean): void {
  if (!condition) throw new RangeError("These bytes are not the state of a FrameDecoder of this version");
}

/** @throws TypeError @throws RangeError @internal */
export function readState(bytes: Uint8Array, allocate: (length: number) => Uint8Array): DecoderState {
  assertBytes(bytes, "state");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  assert(bytes.length > FIXED_SIZE && view.getUint8(0) === VERSION && view.getUint8(1) <= 1);
  const cutLength = view.getUint8(3);
  const partialAt = FIXED_SIZE + cutLength;
  assert(cutLength < MAX_HEADER && bytes.length > partialAt);
  const errorNumber = view.getUint8(2);
  assert(errorNumber === 0 || isErrorNumber(errorNumber));
  assert(isOffset(view.getFloat64(4)) && isOffset(view.getFloat64(20)));
  assert(view.getUint32(12) <= (MESSAGE_OPEN | MESSAGE_TEXT | MESSAGE_CLOSED) && view.getUint32(16) <= MAX_UTF8_STATE);
  const kind = view.getUint8(partialAt);
  assert(kind <= 2 && (kind === 0 ? bytes.length === partialAt + 1 : cutLength === 0));
  return {
    server: view.getUint8(1) === 1,
    errorNumber,
    offset: view.getFloat64(4),
    message: view.getUint32(12),
    utf8: view.getUint32(16),
    errorOffset: view.getFloat64(20),
    cut: cutLength > 0 ? new Uint8Array(bytes.subarray(FIXED_SIZE, partialAt)) : undefined,
    partial: kind === 0 ? undefined : readPartial(bytes, view, partialAt + 1, kind === 2, allocate),
  };
}

function readPartial(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  streaming: boolean,
  allocate: (length: number) => Uint8Array,
): PartialFrame {
  assert(bytes.length >= at + PARTIAL_SIZE);
  const flags = view.getUint32(at);
  const headerLength = (flags >> FLAG_HEADER_SHIFT) & FLAG_HEADER_MASK;
  const known = FLAG_FIRST_BYTE | (FLAG_HEADER_MASK << FLAG_HEADER_SHIFT) | FLAG_MASKED;
  assert((flags & ~known) === 0 && headerLength >= 2 && headerLength <= MAX_HEADER);
  assert(OPCODES.includes(flags & BITS_OPCODE) && isOffset(view.getFloat64(at + 32)));
  const payloadLength = view.getFloat64(at + 16);
  const remaining = view.getFloat64(at + 24);
  const collected = bytes.length - at - PARTIAL_SIZE;
  assert(Number.isSafeInteger(payloadLength) && Number.isSafeInteger(remaining));
  assert(remaining > 0 && remaining <= payloadLength);
  assert(collected === (streaming ? 0 : payloadLength - remaining));
  const partial = new PartialFrame(
    flags,
    view.getUint32(at + 4),
    payloadLength,
    view.getFloat64(at + 32),
    streaming,
    allocate,
  );
  partial.rotatedKey = view.getUint32(at + 8);
  partial.close = view.getUint32(at + 12);
  partial.remaining = remaining;
  partial.append(bytes, at + PARTIAL_SIZE, collected);
  return partial;
}
