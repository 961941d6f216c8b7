// The actions that the page can request from the server: valid ones, and some that break rules.

import { CloseCode, encodeFrame, Opcode } from "wsframe";
import type { Connection } from "wsframe/node";
import type { ActionName } from "../channel.ts";

interface Action {
  readonly label: string;
  readonly act: (connection: Connection) => void;
}

const BY_THE_RULES: Readonly<Record<string, Action>> = {
  ping: {
    label: "Ping",
    act: (connection) => connection.ping("still there?"),
  },
  fragments: {
    label: "Text in 3 fragments, with a Ping between",
    act(connection) {
      connection.send("A message may come ", { fin: false });
      connection.send("in fragments, and a Ping ", { fin: false });
      connection.ping("in between");
      connection.send("between them.");
    },
  },
  binary: {
    label: "Binary, 300 bytes: 16-bit length",
    act: (connection) => connection.send(countingBytes(300)),
  },
  large: {
    label: "Binary, 70,000 bytes: 64-bit length",
    act: (connection) => connection.send(countingBytes(70_000)),
  },
  empty: {
    label: "Empty text",
    act: (connection) => connection.send(""),
  },
  going: {
    label: "Close 1001, going away",
    act: (connection) => connection.close(CloseCode.GoingAway, "restarting"),
  },
  cut: {
    label: "Cut the connection without a Close",
    act: (connection) => connection.terminate(),
  },
};

/** Frames that a Connection refuses to send. */
const AGAINST_THE_RULES: Readonly<Record<string, { readonly label: string; readonly bytes: Uint8Array }>> = {
  masked: {
    label: "A masked frame",
    bytes: encodeFrame({ opcode: Opcode.Text, payload: "masked" }, { role: "client" }),
  },
  opcode: { label: "A reserved opcode", bytes: Uint8Array.of(0x83, 1, 0x2a) },
  rsv: { label: "RSV2 set", bytes: Uint8Array.of(0xa1, 2, 0x68, 0x69) },
  continuation: { label: "A continuation without a message", bytes: Uint8Array.of(0x80, 2, 0x68, 0x69) },
  unfinished: { label: "A fragmented Ping", bytes: Uint8Array.of(0x09, 2, 0x68, 0x69) },
  length: { label: "A length with too many bytes", bytes: Uint8Array.of(0x82, 126, 0, 2, 0xca, 0xfe) },
  // "für" in ISO 8859-1.
  utf8: { label: "Text that is not UTF-8", bytes: Uint8Array.of(0x81, 3, 0x66, 0xfc, 0x72) },
  code: { label: "A Close with 1005", bytes: Uint8Array.of(0x88, 2, 0x03, 0xed) },
};

function countingBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index);
}

/** The actions that the page offers. */
export const ACTION_NAMES: readonly ActionName[] = [
  ...Object.entries(BY_THE_RULES).map(([id, { label }]) => ({ id, label, broken: false })),
  ...Object.entries(AGAINST_THE_RULES).map(([id, { label }]) => ({ id, label, broken: true })),
];

/** Performs an action. @param raw writes to the socket, bypassing the connection */
export function act(id: string, connection: Connection, raw: (bytes: Uint8Array) => void): void {
  if (Object.hasOwn(BY_THE_RULES, id)) BY_THE_RULES[id]!.act(connection);
  else if (Object.hasOwn(AGAINST_THE_RULES, id)) raw(AGAINST_THE_RULES[id]!.bytes);
}
