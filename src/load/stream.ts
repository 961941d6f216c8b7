import { type AgreedExtension, PreparedMessage, Protocol } from "../index.ts";
import type { Messages } from "./messages.ts";

/** About the size of one write, in bytes. A longer message is written alone. Four times as much makes no difference. */
export const WRITE_SIZE = 65536;

/**
 * The frames to send, over and over: masked with random keys, one after another. The first frames are repeated at the end, so
 * that each write is one contiguous piece.
 */
export class Stream {
  readonly bytes: Buffer;
  /** The start of each message, and the end of the last one. */
  readonly offsets: Float64Array;
  /** The most messages in one write. */
  readonly batch: number;

  constructor(messages: Messages, extensions: readonly AgreedExtension[]) {
    const { count } = messages;
    // Compressed without reference to earlier messages, so that they can be repeated in any order.
    const protocol = new Protocol({ role: "client", extensions });
    const frames = Array.from({ length: count }, (_, i) => {
      protocol.send(new PreparedMessage(messages.data(i)), { compress: true });
      return protocol.take();
    });
    const sizes = frames.map((parts) => parts.reduce((sum, { length }) => sum + length, 0));
    const largest = sizes.reduce((most, size) => Math.max(most, size), 0);
    this.batch = Math.min(count, Math.max(1, Math.floor(WRITE_SIZE / largest)));
    const again = this.batch - 1;
    this.bytes = Buffer.concat([...frames, ...frames.slice(0, again)].flat());
    this.offsets = new Float64Array(count + again + 1);
    for (let i = 0; i < count + again; i++) this.offsets[i + 1] = this.offsets[i]! + sizes[i % count]!;
  }
}
