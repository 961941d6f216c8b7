// What the fields of a header are called (RFC 6455 §5.2), and what their bits say.

import { Opcode } from "wsframe";
import { toHex } from "../../cli/bytes.ts";
import type { TappedFrame } from "../frame.ts";
import type { FieldName, Header } from "../header.ts";
import { bytesOf, kindOf } from "./words.ts";

/** A field, as it is shown. */
export interface FieldText {
  /** As the RFC calls it. */
  readonly name: string;
  /** Its value, short. */
  readonly value: string;
  /** What that means. */
  readonly meaning: string;
}

/** How many bytes of a key or a payload stand in a value. */
const SHOWN_BYTES = 16;

/** What a field of a frame says. */
export function describe(name: FieldName, header: Header, frame: TappedFrame): FieldText {
  const { opcode, shortLength = 0, payloadLength } = header;
  const byClient = frame.sender === "client";
  switch (name) {
    case "FIN":
      return {
        name,
        value: header.fin ? "1" : "0",
        meaning: header.fin ? "the last frame of its message" : "more frames of this message follow",
      };
    case "RSV1":
      return bit(name, header.rsv & 4, "its message is compressed (RFC 7692)", "not compressed");
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
        byClient ? "masked, as all frames of a client are" : "masked, which frames of a server are not",
        byClient ? "not masked, which frames of a client must be" : "not masked, as all frames of a server are",
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
        value: payloadLength === undefined ? "cut" : payloadLength.toLocaleString("en-US"),
        meaning: payloadLength === undefined ? "it is cut" : `the payload has ${bytesOf(payloadLength)}`,
      };
    case "key":
      return {
        name: "Masking-key",
        value: header.maskKey ? toHex(header.maskKey, " ") : "cut",
        meaning: "each byte of the payload has been XORed with one of these four, in turn",
      };
    case "payload":
      return {
        name: "Payload Data",
        value: toHex(frame.raw.subarray(header.headerLength, header.headerLength + SHOWN_BYTES), " "),
        meaning: header.masked ? "as it was on the wire: masked" : "as it was on the wire: not masked",
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
  if (!isKnown(opcode)) return "reserved for later versions of the protocol";
  if (opcode & 8) return `a control frame: ${kindOf(opcode)}`;
  if (opcode === Opcode.Continuation) {
    return frame.messageOpcode === Opcode.Continuation
      ? "goes on with a message"
      : `goes on with a ${kindOf(frame.messageOpcode)} message`;
  }
  return `a ${kindOf(opcode)} message, or its first frame`;
}
