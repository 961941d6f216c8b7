// Reserved opcodes (RFC 6455 §5.2).

import { describe, test } from "vitest";
import { conforms, type Fault } from "./support/conforms.ts";
import { frame, ping, text } from "./support/frames.ts";

const unknown = (index: number): Fault => ({
  code: "WS_ERR_INVALID_OPCODE",
  closeCode: 1002,
  frame: index,
  header: 0,
});

function reservedOpcodes(numbers: readonly (readonly [number: string, opcode: number])[]): void {
  for (const [number, opcode] of numbers) {
    test(`${number}: opcode ${opcode} fails at its first byte, and later frames are ignored`, () => {
      conforms([frame(opcode)], { fault: unknown(0) });
      conforms([frame(opcode, "reserved opcode payload")], { fault: unknown(0) });
      conforms([text("Hello, world!"), frame(opcode), ping()], {
        events: [["text", "Hello, world!"]],
        fault: unknown(1),
      });
      conforms([text("Hello, world!"), frame(opcode, "reserved opcode payload"), ping()], {
        events: [["text", "Hello, world!"]],
        fault: unknown(1),
      });
    });

    test(`opcode ${opcode} also fails inside a fragmented message, and without FIN`, () => {
      conforms([text("begun", { fin: false }), frame(opcode)], { fault: unknown(1) });
      conforms([frame(opcode, "", { fin: false })], { fault: unknown(0) });
    });
  }
}

describe("reserved data opcodes", () => {
  reservedOpcodes([
    ["4.1.1", 3],
    ["4.1.2", 4],
    ["4.1.3", 5],
    ["4.1.4", 6],
    ["4.1.5", 7],
  ]);
});

describe("reserved control opcodes", () => {
  reservedOpcodes([
    ["4.2.1", 11],
    ["4.2.2", 12],
    ["4.2.3", 13],
    ["4.2.4", 14],
    ["4.2.5", 15],
  ]);
});
