// Prints a stream as a table: one line per frame, with the error in its place.

import { mask } from "wsframe";
import { toHex } from "./bytes.ts";
import type { Stream } from "./stream.ts";
import type { Incomplete, Inspection, StreamError } from "./inspect.ts";
import type { FrameRow } from "./row.ts";
import { opcodeName } from "./names.ts";
import { quoteAny, quotePayload } from "./preview.ts";
import { counted, grouped, type Look, type Style } from "./style.ts";

const NONE = "·";
const OPCODE_WIDTH = "continuation".length;
const MASK_WIDTH = 8;
const FLAG_WIDTH = 3;
const LEAST_NUMBER_WIDTH = 6;
/** How many bytes are shown before the faulty byte, and from it on. */
const BYTES_BEFORE = 8;
const BYTES_FROM = 8;
const GAP = "  ";

const LOOKS: Readonly<Record<string, Look>> = {
  text: "green",
  binary: "yellow",
  continuation: "blue",
  ping: "cyan",
  pong: "cyan",
  close: "magenta",
};

/** Options for drawing a table. */
export interface TableOptions {
  readonly style: Style;
  /** Columns of the terminal. */
  readonly width: number;
}

/** Returns the heading of a stream: its file, and how it is read. */
export function streamHeading(stream: Stream, style: Style): string {
  const { file, head, size, role, roleFrom, rsv } = stream;
  const way = role === "server" ? "client → server" : "server → client";
  const source = {
    option: "from --role",
    head: "from the HTTP head",
    name: "from the file name",
    guess: "from the first MASK bit",
  };
  const facts = [`role ${role} (${source[roleFrom]})`];
  if (stream.hex) facts.push("hex text");
  if (head !== undefined) facts.push(`frames from byte ${head.length} on`);
  if (head?.deflate) facts.push(`permessage-deflate ${head.sender === "client" ? "offered" : "accepted"}`);
  if (rsv !== 0) facts.push(`${rsvNames(rsv)} allowed`);
  const lines = [`${style("bold", `${way}${GAP}${file}`)}${GAP}${style("dim", counted(size, "byte"))}`];
  if (head !== undefined) lines.push(style("dim", `  ${head.line}`));
  lines.push(style("dim", `  ${facts.join(", ")}`));
  return `${lines.join("\n")}\n`;
}

/** Returns the frames of a stream, and how it ends. */
export function frameTable(stream: Stream, inspection: Inspection, options: TableOptions): string {
  const { first, last, skipped, error, incomplete, trailing } = inspection;
  const base = stream.head?.length ?? 0;
  const broken = error?.row ?? incomplete?.row;
  const rows = [...first, ...last, ...(broken ? [broken] : [])];
  const layout = new Layout(rows, base, options);
  const lines: string[] = [];
  if (rows.length > 0 || skipped > 0) lines.push(layout.titles());
  for (const row of first) lines.push(layout.row(row));
  if (skipped > 0) lines.push(layout.skipped(skipped));
  for (const row of last) lines.push(layout.row(row));
  if (broken) lines.push(layout.row(broken, error ? "red" : "yellow"));
  if (error) lines.push(...errorLines(stream, error, options.style));
  if (incomplete) lines.push(options.style("yellow", `  ${incompleteText(incomplete, base)}`));
  if (trailing) {
    const { offset, bytes } = trailing;
    const text = `  ${counted(bytes.length, "byte")} after the Close, from byte ${base + offset} on, ignored: `;
    const shown = bytes.subarray(0, options.width);
    const preview = quoteAny(shown, Math.max(options.width - text.length, 24), shown.length < bytes.length);
    lines.push(options.style("yellow", text) + preview);
  }
  if (lines.length === 0) lines.push(options.style("dim", "  no frames"));
  return `${lines.join("\n")}\n`;
}

function rsvBits(rsv: number): string {
  return rsv.toString(2).padStart(3, "0");
}

function rsvNames(rsv: number): string {
  return [4, 2, 1].flatMap((bit, i) => (rsv & bit ? [`RSV${i + 1}`] : [])).join(" and ");
}

/** Column widths and cells. */
class Layout {
  readonly #style: Style;
  readonly #base: number;
  readonly #offsetWidth: number;
  readonly #lengthWidth: number;
  readonly #payloadWidth: number;
  /** Without masked frames, as from a server, the mask column is left out. */
  readonly #masks: boolean;

  constructor(rows: readonly FrameRow[], base: number, { style, width }: TableOptions) {
    this.#style = style;
    this.#base = base;
    this.#offsetWidth = widest(rows.map((row) => base + row.offset));
    this.#lengthWidth = widest(rows.map((row) => row.payloadLength));
    this.#masks = rows.some((row) => row.maskKey !== undefined);
    const before = this.#line("", "", "", "", "", "", "");
    this.#payloadWidth = Math.max(width - before.length, 16);
  }

  titles(): string {
    return this.#style("dim", this.#line("offset", "opcode", "FIN", "RSV", "mask", "length", "payload"));
  }

  /** Returns the line of a frame, all in one look if `look` is given. */
  row(row: FrameRow, look?: Look): string {
    const name = opcodeName(row.opcode);
    const offset = String(this.#base + row.offset);
    const fin = row.fin ? "FIN" : NONE;
    const rsv = row.rsv === 0 ? NONE : rsvBits(row.rsv);
    const mask = row.maskKey ? toHex(row.maskKey) : NONE;
    const payload = quotePayload(row, this.#payloadWidth);
    const line = this.#line(offset, name, fin, rsv, mask, String(row.payloadLength), payload).trimEnd();
    if (look !== undefined) return this.#style(look, line);
    // Colour only the first match: the payload may contain the same word.
    const at = line.indexOf(name);
    const after = at + name.length;
    return line.slice(0, at) + this.#style(LOOKS[name] ?? "bold", name) + line.slice(after);
  }

  skipped(count: number): string {
    return this.#style("dim", `${" ".repeat(this.#offsetWidth)}${GAP}… ${counted(count, "more frame")}`);
  }

  #line(
    offset: string,
    opcode: string,
    fin: string,
    rsv: string,
    mask: string,
    length: string,
    payload: string,
  ): string {
    return [
      offset.padStart(this.#offsetWidth),
      opcode.padEnd(OPCODE_WIDTH),
      fin.padEnd(FLAG_WIDTH),
      rsv.padEnd(FLAG_WIDTH),
      ...(this.#masks ? [mask.padEnd(MASK_WIDTH)] : []),
      length.padStart(this.#lengthWidth),
      payload,
    ].join(GAP);
  }
}

function widest(numbers: readonly number[]): number {
  return numbers.reduce((width, number) => Math.max(width, String(number).length), LEAST_NUMBER_WIDTH);
}

function errorLines(stream: Stream, { error, message, frameOffset, row }: StreamError, style: Style): string[] {
  const base = stream.head?.length ?? 0;
  const at = error.byteOffset;
  const from = Math.max(0, at - BYTES_BEFORE);
  const to = Math.min(stream.bytes.length, at + BYTES_FROM);
  const label = `    from byte ${base + from}:  `;
  const lines = [
    style("red", style("bold", `  error at byte ${base + at}: ${message} (${error.rule})`)),
    style(
      "red",
      `    ${error.code}, close code ${error.closeCode}, in the frame that starts at byte ${base + frameOffset}`,
    ),
    label + markedHex(stream.bytes.subarray(from, to), at - from, style),
    `${" ".repeat(label.length + (at - from) * 3)}${style("red", "^^")}`,
  ];
  if (row?.maskKey && at >= row.payloadOffset) {
    const start = Math.max(from, row.payloadOffset);
    const end = Math.min(to, row.payloadOffset + row.payloadLength);
    const plain = stream.bytes.slice(start, end);
    mask(plain, row.maskKey, start - row.payloadOffset);
    const unmasked = "    unmasked:".padEnd(label.length + (start - from) * 3);
    lines.push(unmasked + markedHex(plain, at - start, style));
  }
  return lines;
}

/** Returns bytes as hex with one of them marked. A byte after the end of the stream is shown as dashes. */
function markedHex(bytes: Uint8Array, marked: number, style: Style): string {
  const pieces = Array.from(bytes, (byte) => toHex(Uint8Array.of(byte)));
  pieces[marked] = style("red", pieces[marked] ?? "--");
  return pieces.join(" ");
}

function incompleteText({ offset, present, missing, row }: Incomplete, base: number): string {
  const start = `the stream ends inside the frame at byte ${base + offset}`;
  if (row !== undefined) {
    return `${start}: ${grouped(missing!)} of its ${counted(row.payloadLength, "payload byte")} missing`;
  }
  const header = missing === undefined ? "at least 1 byte" : counted(missing, "byte");
  return `${start}, after ${counted(present, "byte")} of its header: ${header} missing`;
}
