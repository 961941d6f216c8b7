// Hex with an offset in front of each line, as xxd, hexdump -C, od -tx1, tcpdump -x, tshark and Wireshark print it.

import { asCharacters, concat, fromDigits, isPlainText } from "./bytes.ts";
import { InputError } from "./input-error.ts";

/** An offset, with what comes after it: `0x` in front (tcpdump) and a colon after it (xxd, tcpdump) are optional. */
const LINE = /^\s*(?:0x)?([0-9a-f]{4,16})(:?)(?:\s+(\S.*))?$/i;
/** The same bytes as on the line before, up to the next offset. */
const REPEAT = /^\*\s*$/;
const HEX_GROUP = /^(?:[0-9a-f]{2})+$/i;
const STARTS_WITH_BYTES = /^(?:[0-9a-f]{2})+(?:\s|$)/i;
/** What a text column is put into, by hexdump -C and od -z. */
const FRAMED_TEXT = / {2}(?:\|.*\||>.*<)\s*$/;
/** How many bytes at the start of a file show whether it is text. */
const LOOK = 1024;
const RADICES = [16, 8, 10] as const;
/** What lines that are repeated may grow to, in bytes. */
const MOST_BYTES = 2 ** 30;

interface Line {
  /** In the file, from 1 on. */
  readonly number: number;
  /** Digits, of a radix that only all lines together tell. */
  readonly offset: string;
  readonly colon: boolean;
  /** The columns of bytes and text. */
  readonly rest: string;
  /** Whether the bytes go on repeating up to the offset of the next line. */
  repeats: boolean;
}

/**
 * The bytes of a dump: a block for each time that its offsets begin again, as tcpdump has one for each packet. Undefined if
 * this is no dump. Lines before a block are its title.
 *
 * @throws InputError for a dump that cannot be read
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
      ? `a dump of words (line ${number}), whose bytes stand in the order of a machine: hexdump -C and od -t x1 print bytes`
      : `a hex dump (from line ${number} on) whose offsets do not fit to its bytes`,
  );
}

/** Undefined if these are no lines of a dump. */
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
    // A part of a dump begins with another offset, which is one for sure where a colon follows.
    else if (last === undefined && line.colon) blocks.push([line]);
    // Among other lines only a new block can begin.
    else if (last === undefined || title) return undefined;
    else blocks.at(-1)!.push(line);
    title = false;
  }
  return blocks.every((block) => block.every(({ rest }) => rest === "")) ? undefined : blocks;
}

/** Undefined if the offsets, read with this radix, do not count the bytes. */
function readBlock(lines: readonly Line[], radix: number): Uint8Array | undefined {
  const offsets = lines.map(({ offset }) =>
    radix === 16 || /^\d+$/.test(offset) ? Number.parseInt(offset, radix) : NaN,
  );
  const parts: Uint8Array[] = [];
  let total = 0;
  for (const [i, line] of lines.entries()) {
    const end = offsets[i + 1];
    if (line.rest === "" && end === undefined) break;
    // Words of two bytes, without a colon after the offset, are swapped on most machines.
    if (!line.colon && /^[0-9a-f]{4}( |$)/i.test(line.rest)) return undefined;
    const room = end === undefined ? undefined : end - offsets[i]!;
    if (room !== undefined && !(room > 0)) return undefined;
    const bytes = readBytes(line.rest, line.repeats ? undefined : room);
    if (bytes === undefined) return undefined;
    const times = line.repeats ? (room ?? 0) / bytes.length : 1;
    total += times * bytes.length;
    if (!Number.isInteger(times) || times < 1) return undefined;
    if (total > MOST_BYTES) throw new InputError(`a hex dump of more than ${MOST_BYTES} bytes`);
    for (let time = 0; time < times; time++) parts.push(bytes);
  }
  return concat(parts);
}

/** The bytes at the beginning of a line: as many as are said, or up to a column with a character for each of them. */
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
    // What follows the last byte is a column of its own: other bytes show that the offsets have another radix.
    const ends = after.trim() === "" || after.startsWith("  ");
    if (length === undefined ? fits(bytes, after) : bytes === length && ends) return fromDigits(digits);
    if (length !== undefined && bytes > length) return undefined;
    // Spaces at the end of a text are often lost.
    if (ends) best = digits;
  }
  return length === undefined && best !== undefined ? fromDigits(best) : undefined;
}
