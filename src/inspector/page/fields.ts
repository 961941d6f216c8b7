// The names of header fields (RFC 6455 §5.2), and explanations of their values.

import { Opcode } from "wsframe";
import { toHex } from "../../cli/bytes.ts";
import type { TappedFrame } from "../frame.ts";
import type { FieldName, Header } from "../header.ts";
import { bytesOf, kindOf } from "./words.ts";

/** The texts about a field. */
export interface FieldText {
  /** Its name in the RFC. */
  readonly name: string;
  /** Its value. */
  readonly value: string;
  /** The meaning of the value. */
  readonly meaning: string;
}

/** How many payload bytes a value shows. */
const SHOWN_BYTES = 16;

/** Describes a field of a frame. */
export function describe(name: FieldName, header: Header, frame: TappedFrame): FieldText {
  const { opcode, shortLength = 0, payloadLength } = header;
  const byClient = frame.sender === "client";
  switch (name) {
    case "FIN":
      return {
        name,
        value: header.fin ? "1" : "0",
        meaning: header.fin ? "this is the last frame of its message" : "more frames of this message follow",
      };
    case "RSV1":
      return bit(name, header.rsv & 4, "the message is compressed (RFC 7692)", "not compressed");
    case "RSV2":
      return bit(name, header.rsv & 2, "reserved: only an extension may set it", "reserved");
    case "RSV3":
      return bit(name, header.rsv & 1, "reserved: only an extension may set it", "reserved");
    case "opcode":
      return { name, value: `0x${opcode.toString(16)} ${nameOf(opcode)}`, meaning: meaningOf(opcode, frame) };
    case "MASK":
      return bit(
        name,
        header.masked ? 1 : 0,
        byClient ? "masked, as frames from a client must be" : "masked, but frames from a server must not be",
        byClient ? "not masked, but frames from a client must be" : "not masked, as frames from a server must be",
      );
    case "length":
      return {
        name: "Payload len",
        value: String(shortLength),
        meaning:
          shortLength === 126
            ? "the length is in the next 16 bits"
            : shortLength === 127
              ? "the length is in the next 64 bits"
              : `the payload has ${bytesOf(shortLength)}`,
      };
    case "extended":
      return {
        name: "Extended payload length",
        value: payloadLength === undefined ? "incomplete" : payloadLength.toLocaleString("en-US"),
        meaning: payloadLength === undefined ? "the stream ends here" : `the payload has ${bytesOf(payloadLength)}`,
      };
    case "key":
      return {
        name: "Masking-key",
        value: header.maskKey ? toHex(header.maskKey, " ") : "incomplete",
        meaning: "the payload bytes are XORed with these four bytes in turn",
      };
    case "payload":
      return {
        name: "Payload Data",
        value: toHex(frame.raw.subarray(header.headerLength, header.headerLength + SHOWN_BYTES), " "),
        meaning: header.masked ? "as on the wire, masked" : "as on the wire, not masked",
      };
  }
}

function bit(name: FieldName, set: number, whenSet: string, whenClear: string): FieldText {
  return { name, value: set ? "1" : "0", meaning: set ? whenSet : whenClear };
}

function nameOf(opcode: number): string {
  if (opcode === Opcode.Continuation) return "cont.";
  return isKnown(opcode) ? kindOf(opcode) : "reserved";
}

function isKnown(opcode: number): boolean {
  return Object.values(Opcode).includes(opcode as Opcode);
}

function meaningOf(opcode: number, frame: TappedFrame): string {
  if (!isKnown(opcode)) return "reserved for future use";
  if (opcode & 8) return `a control frame: ${kindOf(opcode)}`;
  if (opcode === Opcode.Continuation) {
    return frame.messageOpcode === Opcode.Continuation
      ? "continues a message"
      : `continues a ${kindOf(frame.messageOpcode)} message`;
  }
  return `a ${kindOf(opcode)} message, or the first frame of one`;
}
