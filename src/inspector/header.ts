// Reads a frame header as it is on the wire (RFC 6455 §5.2), to draw it. The header may be incomplete or break rules: only the
// core checks them.

/** The fields of the header diagram, in order. */
export type FieldName =
  | "FIN"
  | "RSV1"
  | "RSV2"
  | "RSV3"
  | "opcode"
  | "MASK"
  | "length"
  | "extended"
  | "key"
  | "payload";

/** The fields of a header. A missing field is undefined. */
export interface Header {
  readonly fin: boolean;
  /** RSV bits from 0 to 7: RSV1 is 4. */
  readonly rsv: number;
  readonly opcode: number;
  readonly masked: boolean;
  /** The 7-bit field: a length up to 125, or 126 or 127 if an extended length follows. */
  readonly shortLength: number | undefined;
  /** Size of the extended length in bytes: 0, 2 or 8. */
  readonly extendedLength: number;
  /** Payload length in bytes. A bigint, because it may take 64 bits. */
  readonly payloadLength: bigint | undefined;
  readonly maskKey: Uint8Array | undefined;
  /** Length of the header in bytes, as far as is known: 2 to 14. */
  readonly headerLength: number;
}

function extendedLengthOf(shortLength: number): number {
  return shortLength === 126 ? 2 : shortLength === 127 ? 8 : 0;
}

/** Reads the header of a frame. At least one byte must be present. */
export function readHeader(raw: Uint8Array): Header {
  const first = raw[0]!;
  const second = raw[1];
  const shortLength = second === undefined ? undefined : second & 0x7f;
  const masked = second !== undefined && (second & 0x80) !== 0;
  const extendedLength = extendedLengthOf(shortLength ?? 0);
  const headerLength = 2 + extendedLength + (masked ? 4 : 0);
  let payloadLength: bigint | undefined;
  if (shortLength !== undefined && raw.length >= 2 + extendedLength) {
    payloadLength = BigInt(shortLength);
    if (extendedLength > 0) {
      payloadLength = 0n;
      for (const byte of raw.subarray(2, 2 + extendedLength)) payloadLength = (payloadLength << 8n) | BigInt(byte);
    }
  }
  return {
    fin: (first & 0x80) !== 0,
    rsv: (first >> 4) & 7,
    opcode: first & 15,
    masked,
    shortLength,
    extendedLength,
    payloadLength,
    maskKey: masked && raw.length >= headerLength ? raw.subarray(headerLength - 4, headerLength) : undefined,
    headerLength,
  };
}

/** A field of the diagram. */
export interface Field {
  readonly name: FieldName;
  /** Its position in the frame in bits: from `from` up to, but not including, `to`. */
  readonly from: number;
  readonly to: number;
}

/** Returns the fields of a frame that are present, at least in part. The payload counts as a field, unless it is empty. */
export function fieldsOf(header: Header, present: number): Field[] {
  const fields: Field[] = [];
  let at = 0;
  const add = (name: FieldName, bits: number): void => {
    if (bits > 0 && at < present * 8) fields.push({ name, from: at, to: at + bits });
    at += bits;
  };
  add("FIN", 1);
  add("RSV1", 1);
  add("RSV2", 1);
  add("RSV3", 1);
  add("opcode", 4);
  add("MASK", 1);
  add("length", 7);
  add("extended", header.extendedLength * 8);
  add("key", header.masked ? 32 : 0);
  add("payload", Math.max(0, present - header.headerLength) * 8);
  return fields;
}
