// Hex text as common tools print it, and errors for text that cannot be read.

import { spawnSync } from "node:child_process";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { parseDigits, parseHexText } from "../../src/cli/hex.ts";
import { openStreams } from "../../src/cli/stream.ts";
import { Random } from "../support/random.ts";

const hex = (bytes: Uint8Array): string[] => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"));
const text = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => (byte >= 0x20 && byte < 0x7f ? String.fromCharCode(byte) : ".")).join("");

/** Formats bytes in lines of `width` bytes each. */
function lines(bytes: Uint8Array, width: number, line: (part: Uint8Array, at: number) => string): string {
  const all: string[] = [];
  for (let at = 0; at < bytes.length; at += width) all.push(line(bytes.subarray(at, at + width), at));
  return `${all.join("\n")}\n`;
}

const grouped = (bytes: Uint8Array, size: number): string =>
  hex(bytes)
    .map((byte, i) => (i > 0 && i % size === 0 ? ` ${byte}` : byte))
    .join("");

const FORMATS: Record<string, (bytes: Uint8Array) => string> = {
  wireshark: (bytes) =>
    lines(
      bytes,
      16,
      (part, at) => `${at.toString(16).padStart(4, "0")}   ${hex(part).join(" ").padEnd(50)}${text(part)}`,
    ),
  "wireshark, without its text": (bytes) =>
    lines(bytes, 16, (part, at) => `${at.toString(16).padStart(4, "0")}   ${hex(part).join(" ")}`),
  "with a gap in the middle": (bytes) =>
    lines(bytes, 16, (part, at) => {
      const halves = [part.subarray(0, 8), part.subarray(8)].map((half) => hex(half).join(" "));
      return `${at.toString(16).padStart(4, "0")}  ${halves.join("  ").padEnd(50)} ${text(part)}`;
    }),
  xxd: (bytes) =>
    lines(bytes, 16, (part, at) => `${at.toString(16).padStart(8, "0")}: ${grouped(part, 2).padEnd(40)} ${text(part)}`),
  "xxd -c 7 -g 1": (bytes) =>
    lines(bytes, 7, (part, at) => `${at.toString(16).padStart(8, "0")}: ${grouped(part, 1).padEnd(21)} ${text(part)}`),
  "hexdump -C": (bytes) =>
    `${lines(bytes, 16, (part, at) => {
      const halves = [part.subarray(0, 8), part.subarray(8)].map((half) => hex(half).join(" "));
      return `${at.toString(16).padStart(8, "0")}  ${halves.join("  ").padEnd(49)} |${text(part)}|`;
    })}${bytes.length.toString(16).padStart(8, "0")}\n`,
  "od -t x1": (bytes) =>
    `${lines(bytes, 16, (part, at) => `${at.toString(8).padStart(7, "0")} ${hex(part).join(" ")}`)}${bytes.length
      .toString(8)
      .padStart(7, "0")}\n`,
  "od -A d -t x1z": (bytes) =>
    `${lines(bytes, 16, (part, at) => `${String(at).padStart(7, "0")} ${hex(part).join(" ").padEnd(48)} >${text(part)}<`)}${String(
      bytes.length,
    ).padStart(7, "0")}\n`,
  "tcpdump -X": (bytes) =>
    lines(bytes, 16, (part, at) => {
      return `\t0x${at.toString(16).padStart(4, "0")}:  ${grouped(part, 2).padEnd(40)} ${text(part)}`;
    }),
  "tcpdump -x": (bytes) =>
    lines(bytes, 16, (part, at) => `\t0x${at.toString(16).padStart(4, "0")}:  ${grouped(part, 2)}`),
  "Windows ends of lines": (bytes) =>
    lines(bytes, 16, (part, at) => `${at.toString(16).padStart(4, "0")}   ${hex(part).join(" ")}`).replaceAll(
      "\n",
      "\r\n",
    ),
  "digits alone": (bytes) => hex(bytes).join(""),
  "a C array": (bytes) =>
    `unsigned char x[] = {\n  ${hex(bytes)
      .map((byte) => `0x${byte}`)
      .join(", ")}\n};\nunsigned int x_len = 9;\n`,
  "a C array with comments": (bytes) =>
    `char peer0_0[] = { /* Packet 4 */\n${lines(
      bytes,
      8,
      (part) =>
        `${hex(part)
          .map((byte) => `0x${byte}, `)
          .join("")}/* ${text(part).replaceAll("*/", "..")} */`,
    )}};`,
  "a string of escapes": (bytes) =>
    lines(
      bytes,
      16,
      (part) =>
        `"${hex(part)
          .map((byte) => `\\x${byte}`)
          .join("")}" \\`,
    ),
  "pairs with dashes": (bytes) => hex(bytes).join("-").toUpperCase(),
};

describe.each(Object.keys(FORMATS))("%s", (name) => {
  const format = FORMATS[name]!;

  test("is read correctly for any bytes and line lengths", () => {
    const random = new Random(5);
    for (let length = 1; length < 70; length++) {
      for (let round = 0; round < 5; round++) {
        // Payloads that look like hex in the text column are the hard case.
        const bytes = random.bytes(length);
        if (round > 0)
          for (let i = 6; i < length; i++) bytes[i] = "0123456789abcdef fa.*"[random.integer(0, 20)]!.charCodeAt(0);
        // A packet never starts with this byte.
        bytes[0] = 0x81;
        const file = format(bytes);
        expect(hex(parseHexText(Buffer.from(file))!).join(" "), file).toBe(hex(bytes).join(" "));
      }
    }
  });
});

const sample = Buffer.from("818537fa213d7f9f4d515888820000000003e889800102030400112233445566", "hex");

test.each([
  ["xxd", []],
  ["xxd", ["-g", "4"]],
  ["xxd", ["-g", "1", "-c", "10", "-u"]],
  ["xxd", ["-i"]],
  ["xxd", ["-p"]],
  ["xxd", ["-a"]],
  ["hexdump", ["-C"]],
  ["od", ["-t", "x1"]],
  ["od", ["-A", "x", "-t", "x1z"]],
  ["od", ["-A", "d", "-t", "x1"]],
  ["od", ["-A", "n", "-t", "x1"]],
])("reads the output of %s %j", (program, args) => {
  for (const bytes of [sample, sample.subarray(0, 3), Buffer.concat([sample, Buffer.alloc(200), sample])]) {
    const { stdout, error } = spawnSync(program, args, { input: bytes });
    // Not every machine has all of these programs.
    if (error) return;
    if (args.includes("n") && bytes.length > 200) {
      expect(() => parseHexText(stdout)).toThrow("od -v prints all of them");
      continue;
    }
    expect(hex(parseHexText(stdout)!)).toEqual(hex(bytes));
  }
});

test("reads an excerpt of a dump, which does not start at offset 0", () => {
  expect(hex(parseHexText(Buffer.from("00000010: 8102 6869  ..hi\n"))!).join("")).toBe("81026869");
});

test("reads a Buffer as Node.js prints it, unless the output is cut", () => {
  expect(hex(parseHexText(Buffer.from(inspect(sample)))!)).toEqual(hex(sample));
  expect(() => parseHexText(Buffer.from(inspect(Buffer.alloc(60))))).toThrow(
    "a Buffer that Node.js has printed only in part",
  );
});

test("does not look for offsets or packets in digits alone", () => {
  expect(hex(parseDigits(Buffer.from("0000 8102 6869"))!).join("")).toBe("000081026869");
});

describe("packets", () => {
  /** Makes a TCP packet over IPv4 or IPv6, with or without an Ethernet header. */
  function packet(
    payload: Uint8Array,
    sequence: number,
    { from = 40000, to = 8080, ip = 4, ethernet = false } = {},
  ): Uint8Array {
    const tcp = Buffer.alloc(32);
    tcp.writeUInt16BE(from, 0);
    tcp.writeUInt16BE(to, 2);
    tcp.writeUInt32BE(sequence >>> 0, 4);
    tcp[12] = 0x80;
    const header = Buffer.alloc(ip === 4 ? 20 : 40);
    if (ip === 4) {
      header[0] = 0x45;
      header.writeUInt16BE(20 + 32 + payload.length, 2);
      header[9] = 6;
      header.set([127, 0, 0, 1, 127, 0, 0, 1], 12);
    } else {
      header[0] = 0x60;
      header.writeUInt16BE(32 + payload.length, 4);
      header[6] = 6;
    }
    const link = Buffer.alloc(ethernet ? 14 : 0);
    if (ethernet) link.writeUInt16BE(ip === 4 ? 0x0800 : 0x86dd, 12);
    // Ethernet pads short packets.
    const all = [link, header, tcp, payload, Buffer.alloc(ethernet ? 6 : 0)];
    return Buffer.concat(all);
  }

  /** Formats packets with their titles, like tcpdump. */
  function dump(...packets: Uint8Array[]): Buffer {
    const title = "12:34:56.789012 IP localhost.40000 > localhost.8080: Flags [P.], seq 1:9, ack 1, win 512, length 8";
    return Buffer.from(packets.map((one) => `${title}\n${FORMATS["tcpdump -X"]!(one)}`).join(""));
  }

  const parts = [sample.subarray(0, 10), sample.subarray(10, 11), sample.subarray(11)];

  test.each([{}, { ip: 6 }, { ethernet: true }, { ip: 6, ethernet: true }])("yield their TCP payload: %o", (how) => {
    let at = 2 ** 32 - 5;
    const packets = parts.map((part) => packet(part, (at += part.length) - part.length, how));
    const acknowledgement = packet(Buffer.alloc(0), 7, { ...how, from: 8080, to: 40000 });
    expect(hex(parseHexText(dump(...packets))!)).toEqual(hex(sample));
    // The packets are out of order, with a duplicate, and with an acknowledgement from the other end.
    const [a, b, c] = packets as [Uint8Array, Uint8Array, Uint8Array];
    expect(hex(parseHexText(dump(a, c, acknowledgement, b, a))!)).toEqual(hex(sample));
    expect(hex(parseHexText(Buffer.from(hex(packet(sample, 0, how)).join("")))!)).toEqual(hex(sample));
  });

  test.each([
    [[packet(sample, 0), packet(sample, 0, { from: 8080, to: 40000 })], "the packets belong to several directions"],
    [[packet(sample, 0), packet(sample, 99)], "the packets have a gap: 67 bytes"],
    [[packet(Buffer.alloc(0), 0)], "the TCP packets have no payload"],
    [[packet(sample, 0).subarray(0, 60)], "the packets are truncated"],
  ])("are refused if they are not one complete direction: %#", (packets, message) => {
    expect(() => parseHexText(dump(...packets))).toThrow(message);
  });
});

test.each([
  ["hexdump", "0000000 8581 fa37 3d21 9f7f 514d 8858 0082 0000\n0000010 0300\n", "a hex dump of words (line 1)"],
  ["od", "0000000 102601 175067 036441\n0000006\n", "a hex dump of words (line 1)"],
  ["a missing line", "0000  81 02 68 69\n0010  81 02 68 69\n", "offsets do not match its bytes"],
  [
    "a billion zeros",
    "00000000  00 00 00 00 00 00 00 00  00 00 00 00 00 00 00 00  |................|\n*\nf00000000\n",
    "expands to more than",
  ],
])("refuses a dump that it cannot read: %s", (_name, file, message) => {
  expect(() => parseHexText(Buffer.from(file))).toThrow(message);
});

test.each([
  ["words", "Hello, world\n"],
  ["a log with a time in front", "0000 first\n0001 second\n"],
  ["an HTTP head", "GET /chat HTTP/1.1\r\nHost: a\r\n\r\n"],
  ["JSON", '{"type":"Buffer","data":[129,0]}'],
  ["braces of something else", "function f() { return 0x81; }"],
  ["frames", Buffer.from("8102686981026869", "hex")],
  ["nothing", ""],
])("recognizes that this is not hex: %s", (_name, file) => {
  expect(parseHexText(Buffer.from(file))).toBe(undefined);
});

test.each([
  ["pcap", "d4c3b2a1020004000000000000000000"],
  ["pcap", "a1b2c3d4000200040000000000000000"],
  ["pcap", "4d3cb2a1020004000000000000000000"],
  ["pcapng", "0a0d0d0a6c0000004d3c2b1a01000000"],
])("recognizes a %s file: %s", (format, digits) => {
  for (const content of [Buffer.from(digits, "hex"), Buffer.from(FORMATS["xxd"]!(Buffer.from(digits, "hex")))]) {
    const open = () => openStreams([{ file: "x", sender: undefined, content }], { role: undefined, rsv: undefined });
    expect(open).toThrow(`x: a ${format} file contains packets, not a stream`);
  }
});
