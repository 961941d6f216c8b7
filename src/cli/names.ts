// Names of opcodes and close codes.

import { CloseCode, Opcode } from "wsframe";

/** All opcodes, data frames first. */
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

/** Returns `text`, `binary`, `continuation`, `close`, `ping` or `pong`; a reserved opcode in hex. */
export function opcodeName(opcode: number): string {
  return OPCODE_NAMES.get(opcode) ?? `0x${opcode.toString(16)}`;
}

/** Returns the name of a close code, such as `normal closure` for 1000, or undefined if it has none. */
export function closeName(code: number): string | undefined {
  return CLOSE_NAMES.get(code);
}
