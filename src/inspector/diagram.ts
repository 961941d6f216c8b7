// The layout of the header diagram of RFC 6455 §5.2: the rows and columns of each field of a frame.

import { type Field, fieldsOf, type FieldName, type Header } from "./header.ts";

/** The part of a field in one row. */
export interface Segment {
  readonly name: FieldName;
  /** The column of its first bit, and its bits in this row as digits. */
  readonly column: number;
  readonly bits: string;
  /** Whether the field begins here. */
  readonly begins: boolean;
  /** Whether the field continues in the next row, or the payload after the end of the diagram. */
  readonly continues: boolean;
  /** Position of its first bit in the frame, in bits. */
  readonly from: number;
}

/** The most rows of payload to draw after the row in which the header ends. */
const PAYLOAD_ROWS = 1;

/**
 * Returns the rows of the diagram.
 * @param columns bits per row: 32 as in the RFC, or 16 in a narrow window
 */
export function layOut(raw: Uint8Array, header: Header, columns: number): Segment[][] {
  const rows: Segment[][] = [];
  const headerRows = Math.ceil((header.headerLength * 8) / columns);
  const end = Math.min(raw.length * 8, (headerRows + PAYLOAD_ROWS) * columns);
  for (const field of fieldsOf(header, raw.length)) {
    const stop = Math.min(field.to, end);
    for (let at = field.from; at < stop;) {
      const row = Math.floor(at / columns);
      const to = Math.min(stop, (row + 1) * columns);
      (rows[row] ??= []).push(segmentOf(raw, field, at, to, columns));
      at = to;
    }
  }
  return rows;
}

function segmentOf(raw: Uint8Array, field: Field, from: number, to: number, columns: number): Segment {
  let bits = "";
  for (let at = from; at < to; at++) bits += (raw[at >> 3]! >> (7 - (at & 7))) & 1;
  return {
    name: field.name,
    column: from % columns,
    bits,
    begins: from === field.from,
    continues: to < field.to,
    from,
  };
}
