// Converts a recorded connection to a pcap file, with IPv4 and TCP headers around its bytes.

import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const captures = fileURLToPath(new URL("../fixtures/captures/", import.meta.url));

const RAW_IP = 101;
const CLIENT = { address: [127, 0, 0, 1], port: 50_000 };
const SERVER = { address: [127, 0, 0, 2], port: 80 };
const SYN = 0x02;
const ACK = 0x10;
const PUSH = 0x08;
/** The most bytes in a segment. */
const MAX_SEGMENT = 16_000;

/** Returns both streams of a recorded connection, including HTTP heads, in the segments in which they were read. */
export function toPcap(name: string): Buffer {
  const { chunks } = JSON.parse(readFileSync(`${captures}${name}/meta.json`, "utf8")) as {
    chunks: ["c" | "s", number][];
  };
  const sides = {
    c: { bytes: readFileSync(`${captures}${name}/client.bin`), at: 0, sequence: 1, from: CLIENT, to: SERVER },
    s: { bytes: readFileSync(`${captures}${name}/server.bin`), at: 0, sequence: 1, from: SERVER, to: CLIENT },
  };
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0xa1b2c3d4, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(0x40000, 16);
  header.writeUInt32LE(RAW_IP, 20);
  const packets: Buffer[] = [header];
  let time = 0;
  const add = (side: "c" | "s", flags: number, sequence: number, acknowledged: number, payload: Uint8Array): void => {
    packets.push(packet(++time, sides[side], flags, sequence, acknowledged, payload));
  };
  const none = new Uint8Array(0);
  add("c", SYN, 0, 0, none);
  add("s", SYN | ACK, 0, 1, none);
  add("c", ACK, 1, 1, none);
  for (const [side, length] of chunks) {
    const own = sides[side];
    const other = sides[side === "c" ? "s" : "c"];
    const end = Math.min(own.at + length, own.bytes.length);
    while (own.at < end) {
      const payload = own.bytes.subarray(own.at, Math.min(end, own.at + MAX_SEGMENT));
      add(side, ACK | PUSH, own.sequence, other.sequence, payload);
      own.at += payload.length;
      own.sequence += payload.length;
      add(side === "c" ? "s" : "c", ACK, other.sequence, own.sequence, none);
    }
  }
  return Buffer.concat(packets);
}

interface Side {
  readonly from: typeof CLIENT;
  readonly to: typeof CLIENT;
}

function packet(
  time: number,
  { from, to }: Side,
  flags: number,
  sequence: number,
  acknowledged: number,
  payload: Uint8Array,
): Buffer {
  const length = 40 + payload.length;
  const head = Buffer.alloc(16 + 40);
  head.writeUInt32LE(Math.floor(time / 1000), 0);
  head.writeUInt32LE((time % 1000) * 1000, 4);
  head.writeUInt32LE(length, 8);
  head.writeUInt32LE(length, 12);
  const ip = head.subarray(16, 36);
  ip[0] = 0x45;
  ip.writeUInt16BE(length, 2);
  ip[8] = 64;
  ip[9] = 6;
  ip.set(from.address, 12);
  ip.set(to.address, 16);
  let sum = 0;
  for (let at = 0; at < 20; at += 2) sum += ip.readUInt16BE(at);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  ip.writeUInt16BE(~sum & 0xffff, 10);
  const tcp = head.subarray(36);
  tcp.writeUInt16BE(from.port, 0);
  tcp.writeUInt16BE(to.port, 2);
  tcp.writeUInt32BE(sequence, 4);
  tcp.writeUInt32BE(acknowledged, 8);
  tcp[12] = 5 << 4;
  tcp[13] = flags;
  tcp.writeUInt16BE(0xffff, 14);
  // Write no TCP checksum, because tshark does not check it.
  return Buffer.concat([head, payload]);
}
