// A decoder's state as bytes, for save() and restore(). Numbers are doubles:
//
//   u8 version, u8 1 for role server, u8 error number, u8 length of a cut header
//   offset, message, utf8, error offset, error value + 1 (0 for none)
//   the bytes of the cut header
//   u8 the incomplete frame: 0 none, 1 collected, 2 streaming; if there is one:
//   flags, key, rotated key, close, length, remaining, payload offset
//   its collected bytes

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
import { asBytes, type Bytes, NOTHING } from "./bytes.ts";
import { type Fault, isErrorNumber } from "./errors.ts";
import { Opcode } from "./opcodes.ts";
import { PartialFrame } from "./partial.ts";
import { MAX_HEADER } from "./sizes.ts";

const VERSION = 3;
const FIXED_SIZE = 4 + 5 * 8;
const PARTIAL_SIZE = 7 * 8;
/** Three bytes: see assembly/utf8.ts. */
const MAX_UTF8_STATE = 0xffffff;
const OPCODES: readonly number[] = /* @__PURE__ */ Object.values(Opcode);

/** @internal */
export interface DecoderState {
  readonly server: boolean;
  readonly offset: number;
  readonly message: number;
  readonly utf8: number;
  readonly cut: Uint8Array<ArrayBuffer> | undefined;
  readonly partial: PartialFrame | undefined;
  readonly fault: Fault | undefined;
}

/** @internal */
export function writeState(state: DecoderState): Uint8Array<ArrayBuffer> {
  const { cut = NOTHING, partial, fault } = state;
  const partialAt = FIXED_SIZE + cut.length;
  const collected = partial?.bytes ?? NOTHING;
  const bytes = new Uint8Array(partialAt + 1 + (partial ? PARTIAL_SIZE : 0) + collected.length);
  bytes.set([VERSION, state.server ? 1 : 0, fault?.number ?? 0, cut.length]);
  const value = fault?.value === undefined ? 0 : fault.value + 1;
  writeNumbers(bytes, 4, [state.offset, state.message, state.utf8, fault?.byteOffset ?? 0, value]);
  bytes.set(cut, FIXED_SIZE);
  if (partial) {
    const { flags, key, rotatedKey, close, payloadLength, remaining, payloadOffset } = partial;
    bytes[partialAt] = partial.streaming ? 2 : 1;
    // The core's numbers may be negative.
    const numbers = [flags, key, rotatedKey >>> 0, close, payloadLength, remaining, payloadOffset];
    writeNumbers(bytes, partialAt + 1, numbers);
    bytes.set(collected, partialAt + 1 + PARTIAL_SIZE);
  }
  return bytes;
}

function writeNumbers(bytes: Uint8Array, at: number, numbers: readonly number[]): void {
  const view = new DataView(bytes.buffer, at);
  numbers.forEach((number, i) => view.setFloat64(8 * i, number));
}

/** @throws RangeError if a number is not whole, or less than 0 */
function readNumbers(bytes: Uint8Array, at: number, count: number): number[] {
  assert(bytes.length >= at + 8 * count);
  const view = new DataView(bytes.buffer, bytes.byteOffset + at);
  const numbers = Array.from({ length: count }, (_, i) => view.getFloat64(8 * i));
  assert(numbers.every((number) => Number.isSafeInteger(number) && number >= 0));
  return numbers;
}

function assert(condition: boolean): void {
  if (!condition) throw new RangeError("state is not from save() of this version");
}

/** @throws TypeError @throws RangeError @internal */
export function readState(state: Bytes, allocate: (length: number) => Uint8Array<ArrayBuffer>): DecoderState {
  const bytes = asBytes(state);
  const [version, server, errorNumber, cutLength] = bytes as unknown as [number, number, number, number];
  const partialAt = FIXED_SIZE + cutLength;
  assert(version === VERSION && server <= 1 && cutLength < MAX_HEADER && bytes.length > partialAt);
  assert(errorNumber === 0 || isErrorNumber(errorNumber));
  type Numbers = [number, number, number, number, number];
  const [offset, message, utf8, byteOffset, value] = readNumbers(bytes, 4, 5) as Numbers;
  assert(message <= (MESSAGE_OPEN | MESSAGE_TEXT | MESSAGE_CLOSED) && utf8 <= MAX_UTF8_STATE);
  const kind = bytes[partialAt]!;
  assert(kind <= 2 && (kind === 0 ? bytes.length === partialAt + 1 : cutLength === 0));
  return {
    server: server === 1,
    fault:
      errorNumber === 0 ? undefined : { number: errorNumber, byteOffset, value: value === 0 ? undefined : value - 1 },
    offset,
    message,
    utf8,
    cut: cutLength > 0 ? new Uint8Array(bytes.subarray(FIXED_SIZE, partialAt)) : undefined,
    partial: kind === 0 ? undefined : readPartial(bytes, partialAt + 1, kind === 2, allocate),
  };
}

function readPartial(
  bytes: Uint8Array,
  at: number,
  streaming: boolean,
  allocate: (length: number) => Uint8Array<ArrayBuffer>,
): PartialFrame {
  type Numbers = [number, number, number, number, number, number, number];
  const [flags, key, rotatedKey, close, payloadLength, remaining, offset] = readNumbers(bytes, at, 7) as Numbers;
  const headerLength = (flags >> FLAG_HEADER_SHIFT) & FLAG_HEADER_MASK;
  const known = FLAG_FIRST_BYTE | (FLAG_HEADER_MASK << FLAG_HEADER_SHIFT) | FLAG_MASKED;
  assert((flags & ~known) === 0 && headerLength >= 2 && headerLength <= MAX_HEADER);
  assert(OPCODES.includes(flags & BITS_OPCODE) && remaining > 0 && remaining <= payloadLength);
  const collectedAt = at + PARTIAL_SIZE;
  assert(bytes.length - collectedAt === (streaming ? 0 : payloadLength - remaining));
  const partial = new PartialFrame(flags, key, payloadLength, offset, streaming, allocate);
  Object.assign(partial, { rotatedKey, close, remaining });
  partial.append(bytes, collectedAt, bytes.length, payloadLength);
  return partial;
}
