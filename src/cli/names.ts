// What numbers of the protocol are called.

import { CloseCode, Opcode } from "wsframe";

/** All opcodes, the data frames first. */
export const OPCODES: readonly number[] = [
  Opcode.Text,
  Opcode.Binary,
  Opcode.Continuation,
  Opcode.Ping,
  Opcode.Pong,
  Opcode.Close,
];

const OPCODE_NAMES = new Map<number, string>(
  Object.entries(Opcode).map(([name, opcode]) => [opcode, name.toLowerCase()]),
);

const CLOSE_NAMES = new Map<number, string>(
  Object.entries(CloseCode).map(([name, code]) => [code, name.replaceAll(/(?<=.)[A-Z]/g, " $&").toLowerCase()]),
);

/** `text`, `binary`, `continuation`, `close`, `ping`, `pong`. */
export function opcodeName(opcode: number): string {
  return OPCODE_NAMES.get(opcode) ?? `0x${opcode.toString(16)}`;
}

/** `normal closure` for 1000; undefined for a code that the registry does not name. */
export function closeName(code: number): string | undefined {
  return CLOSE_NAMES.get(code);
}
