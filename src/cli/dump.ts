// Reads hex dumps with an offset on each line, as xxd, hexdump -C, od -tx1, tcpdump -x, tshark and Wireshark print them.

import { asCharacters, concat, fromDigits, isPlainText } from "./bytes.ts";
import { InputError } from "./input-error.ts";

/** An offset and the rest of its line. `0x` before the offset (tcpdump) and a colon after it (xxd, tcpdump) are optional. */
const LINE = /^\s*(?:0x)?([0-9a-f]{4,16})(:?)(?:\s+(\S.*))?$/i;
/** Repeats the bytes of the previous line up to the next offset. */
const REPEAT = /^\*\s*$/;
const HEX_GROUP = /^(?:[0-9a-f]{2})+$/i;
const STARTS_WITH_BYTES = /^(?:[0-9a-f]{2})+(?:\s|$)/i;
/** The delimiters of a text column, from hexdump -C and od -z. */
const FRAMED_TEXT = / {2}(?:\|.*\||>.*<)\s*$/;
/** How many bytes at the start of a file show whether it is text. */
const LOOK = 1024;
const RADICES = [16, 8, 10] as const;
/** The maximum size of a dump with its repeated lines, in bytes. */
const MOST_BYTES = 2 ** 30;

interface Line {
  /** Line number in the file, from 1. */
  readonly number: number;
  /** Digits. Only all lines together tell their radix. */
  readonly offset: string;
  readonly colon: boolean;
  /** The columns with bytes and text. */
  readonly rest: string;
  /** Whether the bytes repeat up to the offset of the next line. */
  repeats: boolean;
}

/**
 * Reads a dump. Returns a block of bytes for each time that the offsets start again, as they do for each packet of tcpdump.
 * Lines before a block are its title. Returns undefined if this is not a dump.
 *
 * @throws InputError if a dump cannot be read
 */
export function parseDump(file: Uint8Array): Uint8Array[] | undefined {
  if (!isPlainText(file.subarray(0, LOOK))) return undefined;
  const blocks = readBlocks(asCharacters(file));
  if (blocks === undefined) return undefined;
  for (const radix of RADICES) {
    const bytes = blocks.map((block) => readBlock(block, radix));
    if (bytes.every((one) => one !== undefined)) return bytes;
  }
  const [{ number, rest }] = blocks[0]! as [Line];
  throw new InputError(
    /^(?:[0-9a-f]{4}|[0-7]{6})( |$)/i.test(rest)
      ? `a hex dump of words (line ${number}), whose byte order depends on the machine: use hexdump -C or od -t x1`
      : `a hex dump (from line ${number} on) whose offsets do not match its bytes`,
  );
}

/** Returns undefined if these are not the lines of a dump. */
function readBlocks(text: string): Line[][] | undefined {
  const blocks: Line[][] = [];
  let title = true;
  for (const [index, content] of text.split(/\r?\n/).entries()) {
    if (content.trim() === "") continue;
    const last = blocks.at(-1)?.at(-1);
    if (last && REPEAT.test(content)) {
      last.repeats = true;
      continue;
    }
    const found = LINE.exec(content);
    const [, offset = "", colon, rest = ""] = found ?? [];
    if (found === null || (rest !== "" && !STARTS_WITH_BYTES.test(rest))) {
      title = true;
      continue;
    }
    const line = { number: index + 1, offset, colon: colon !== "", rest, repeats: false };
    const begins = /^0+$/.test(offset);
    if (begins) blocks.push([line]);
    // An excerpt starts at another offset. Only a colon proves that it is an offset.
    else if (last === undefined && line.colon) blocks.push([line]);
    // After other lines, only a new block can begin.
    else if (last === undefined || title) return undefined;
    else blocks.at(-1)!.push(line);
    title = false;
  }
  return blocks.every((block) => block.every(({ rest }) => rest === "")) ? undefined : blocks;
}

/** Returns undefined if the offsets, read with this radix, do not match the bytes. */
function readBlock(lines: readonly Line[], radix: number): Uint8Array | undefined {
  const offsets = lines.map(({ offset }) =>
    radix === 16 || /^\d+$/.test(offset) ? Number.parseInt(offset, radix) : NaN,
  );
  const parts: Uint8Array[] = [];
  let total = 0;
  for (const [i, line] of lines.entries()) {
    const end = offsets[i + 1];
    if (line.rest === "" && end === undefined) break;
    // Two-byte words without a colon after the offset are byte-swapped on most machines.
    if (!line.colon && /^[0-9a-f]{4}( |$)/i.test(line.rest)) return undefined;
    const room = end === undefined ? undefined : end - offsets[i]!;
    if (room !== undefined && !(room > 0)) return undefined;
    const bytes = readBytes(line.rest, line.repeats ? undefined : room);
    if (bytes === undefined) return undefined;
    const times = line.repeats ? (room ?? 0) / bytes.length : 1;
    total += times * bytes.length;
    if (!Number.isInteger(times) || times < 1) return undefined;
    if (total > MOST_BYTES) throw new InputError(`the hex dump expands to more than ${MOST_BYTES} bytes`);
    for (let time = 0; time < times; time++) parts.push(bytes);
  }
  return concat(parts);
}

/** Reads the bytes at the start of a line: `length` of them, or up to a text column with one character per byte. */
function readBytes(rest: string, length: number | undefined): Uint8Array | undefined {
  const framed = FRAMED_TEXT.test(rest);
  const line = rest.replace(FRAMED_TEXT, "");
  const fits = (bytes: number, after: string): boolean => {
    if (framed || after === "") return false;
    const gap = after.slice(0, Math.max(0, after.length - bytes));
    return gap.length >= 2 && gap.trim() === "";
  };
  let digits = "";
  let best: string | undefined;
  for (const { 0: group, index } of line.matchAll(/\S+/g)) {
    if (!HEX_GROUP.test(group)) break;
    digits += group;
    const bytes = digits.length / 2;
    const after = line.slice(index + group.length);
    // Only a text column may follow the last byte. More bytes mean that the radix is wrong.
    const ends = after.trim() === "" || after.startsWith("  ");
    if (length === undefined ? fits(bytes, after) : bytes === length && ends) return fromDigits(digits);
    if (length !== undefined && bytes > length) return undefined;
    // Trailing spaces of a text column are often lost.
    if (ends) best = digits;
  }
  return length === undefined && best !== undefined ? fromDigits(best) : undefined;
}
