// A raw peer: it sends the bytes that a test passes, and stores all bytes that it receives.

import { type Duplex } from "node:stream";
import { concat, type RawFrame, serialize } from "../../reference/serialize.ts";
import { bytes, reached } from "./log.ts";

const NAMES = ["continuation", "text", "binary", "3", "4", "5", "6", "7", "close", "ping", "pong"];
const KEY = [1, 2, 3, 4];

export class Raw {
  readonly socket: Duplex;
  readonly from: "client" | "server";
  /** All received bytes, including the head. */
  received: Buffer = Buffer.alloc(0);
  ended = false;
  closed = false;

  /** @param from the role of this peer: a client masks */
  constructor(socket: Duplex, from: "client" | "server") {
    this.socket = socket;
    this.from = from;
    socket.on("data", (chunk: Buffer) => {
      this.received = Buffer.concat([this.received, chunk]);
    });
    socket.on("end", () => (this.ended = true));
    socket.on("close", () => (this.closed = true));
    socket.on("error", () => {});
  }

  write(...frames: RawFrame[]): void {
    this.socket.write(this.serialize(...frames));
  }

  /** The bytes of the frames, masked if this peer is a client. */
  serialize(...frames: RawFrame[]): Uint8Array {
    const maskKey = this.from === "client" ? KEY : undefined;
    return concat(frames.map((frame) => serialize({ maskKey, ...frame })));
  }

  get text(): string {
    return this.received.toString("latin1");
  }

  get head(): string {
    return this.text.slice(0, this.text.indexOf("\r\n\r\n") + 4);
  }

  /** The value of a header field, or undefined. */
  field(name: string): string | undefined {
    return new RegExp(`^${name}: *(.*?)\r?$`, "im").exec(this.head)?.[1];
  }

  async handshake(): Promise<this> {
    await this.sees(() => this.text.includes("\r\n\r\n"), "a head");
    return this;
  }

  /** The frames after the head, such as "text hello", "close 1002", "ping x" or "binary … more rsv1 wrong mask". */
  get frames(): string[] {
    const list: string[] = [];
    let at = this.head.length;
    const { received } = this;
    while (at + 2 <= received.length) {
      const [first, second] = [received[at]!, received[at + 1]!];
      at += 2;
      let length = second & 127;
      if (length === 126) {
        length = received.readUInt16BE(at);
        at += 2;
      } else if (length === 127) {
        length = Number(received.readBigUInt64BE(at));
        at += 8;
      }
      const masked = second > 127;
      const key = masked ? received.subarray(at, at + 4) : Buffer.alloc(4);
      if (masked) at += 4;
      if (at + length > received.length) break;
      const payload = Buffer.from(received.subarray(at, at + length).map((byte, index) => byte ^ key[index % 4]!));
      at += length;
      const opcode = first & 15;
      const flags = [
        first & 0x80 ? "" : " more",
        first & 0x40 ? " rsv1" : "",
        masked === (this.from === "server") ? "" : " wrong mask",
      ];
      const content = first & 0x40 ? "…" : opcode === 8 ? close(payload) : bytes(payload);
      list.push(`${NAMES[opcode]!} ${content}${flags.join("")}`.replace(/ $/, ""));
    }
    return list;
  }

  async sees(done: () => boolean, what: string): Promise<void> {
    await reached(done, () => `${what}; received ${JSON.stringify(this.text.slice(0, 300))}`);
  }

  async seesFrames(count: number): Promise<string[]> {
    await this.sees(() => this.frames.length >= count, `${count} frames`);
    return this.frames;
  }

  async gone(): Promise<void> {
    await this.sees(() => this.ended || this.closed, "the end");
  }
}

function close(payload: Buffer): string {
  if (payload.length < 2) return bytes(payload);
  return `${payload.readUInt16BE(0)} ${bytes(payload.subarray(2))}`.trimEnd();
}

export const text = (data: string, more: Partial<RawFrame> = {}): RawFrame => ({
  opcode: 1,
  payload: Buffer.from(data),
  ...more,
});
export const binary = (data: string | Uint8Array, more: Partial<RawFrame> = {}): RawFrame => ({
  opcode: 2,
  payload: Buffer.from(data as string),
  ...more,
});
export const continuation = (data: string, more: Partial<RawFrame> = {}): RawFrame => ({
  opcode: 0,
  payload: Buffer.from(data),
  ...more,
});
export const ping = (data: string, more: Partial<RawFrame> = {}): RawFrame => ({
  opcode: 9,
  payload: Buffer.from(data),
  ...more,
});
export const pong = (data: string): RawFrame => ({ opcode: 10, payload: Buffer.from(data) });
export const closing = (code?: number, reason: string = ""): RawFrame => ({
  opcode: 8,
  payload:
    code === undefined ? Buffer.alloc(0) : Buffer.concat([Buffer.of(code >> 8, code & 255), Buffer.from(reason)]),
});
