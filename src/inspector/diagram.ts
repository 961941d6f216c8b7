// The header diagram of RFC 6455 §5.2 with the bits of one frame: which field takes which columns of which row.

import { type Field, fieldsOf, type FieldName, type Header } from "./header.ts";

/** A stretch of one field in one row. */
export interface Segment {
  readonly name: FieldName;
  /** The column of its first bit, and how many bits it has in this row. */
  readonly column: number;
  readonly bits: string;
  /** Whether the field begins here. */
  readonly begins: boolean;
  /** Whether it goes on in the next row, or, of a payload, behind what is drawn. */
  readonly continues: boolean;
  /** Where in the frame its first bit stands, in bits. */
  readonly from: number;
}

/** How many rows of payload are drawn at the most, behind the one that the header ends in. */
const PAYLOAD_ROWS = 1;

/**
 * The rows of the diagram.
 * @param columns bits in a row: 32 as in the RFC, or 16 where there is little room
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
