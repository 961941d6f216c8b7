import { type AgreedExtension, PreparedMessage, Protocol } from "../index.ts";
import type { Messages } from "./messages.ts";

/** About how much one write takes, in bytes; a message that is longer goes alone. With four times as much nothing changes. */
export const WRITE_SIZE = 65536;

/**
 * What is sent, over and over: masked frames, each with a random key, end to end. After a period the first of them follow
 * again, so that what one write takes is in one piece.
 */
export class Stream {
  readonly bytes: Buffer;
  /** Where each message begins, and then where the last one ends. */
  readonly offsets: Float64Array;
  /** How many messages one write takes, at the most. */
  readonly batch: number;

  constructor(messages: Messages, extensions: readonly AgreedExtension[]) {
    const { count } = messages;
    // Compressed without what went before: such messages can be sent over and over, whatever the server keeps.
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
