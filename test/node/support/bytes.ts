// The data that a peer receives, as separate chunks. RawPeer joins all its data for each chunk, which is too slow for
// several MiB.

import { FrameDecoder } from "../../../src/index.ts";
import type { RawPeer } from "./peer.ts";
import type { Role } from "./roles.ts";
import { until } from "./watch.ts";

export class Received {
  bytes = 0;
  readonly #chunks: Buffer[];
  readonly #role: Role;

  /** @param role of the connection under test */
  constructor({ socket, received }: RawPeer, role: Role) {
    this.#chunks = [received];
    this.bytes = received.length;
    this.#role = role;
    socket.removeAllListeners("data");
    socket.on("data", (chunk: Buffer) => {
      this.#chunks.push(chunk);
      this.bytes += chunk.length;
    });
  }

  until(length: number, limit?: number): Promise<void> {
    return until(
      () => this.bytes >= length,
      () => `${this.bytes} of ${length} bytes`,
      limit,
    );
  }

  /** The payloads of data frames. */
  payloads(): Buffer[] {
    const decoder = new FrameDecoder({ role: this.#role === "server" ? "client" : "server" });
    const frames = decoder.decode(Buffer.concat(this.#chunks)).filter(({ opcode }) => opcode < 8);
    return frames.map(({ payload }) => Buffer.from(payload.buffer, payload.byteOffset, payload.length));
  }
}

/** A unique message: its bytes encode its owner, its index, and each position. */
export function canary(owner: number, index: number, length: number): string {
  const unit = `<${owner}.${index}>`;
  return unit.repeat(Math.ceil(length / unit.length)).slice(0, length);
}
