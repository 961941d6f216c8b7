// The frames that are listed.

import type { TappedFrame } from "../frame.ts";

/** One direction of a connection, or a file of it. */
export interface StreamInfo {
  /** What it is called: "Connection 1", "client.bin". */
  readonly name: string;
  /** Where its frames start, in bytes: how long the HTTP head before them is, where that is in the stream. */
  readonly base: number;
}

/** A frame in the list. */
export interface Entry {
  readonly frame: TappedFrame;
  readonly stream: StreamInfo;
  /** When its last bytes went by, in milliseconds since the connection was opened; undefined where nobody knows. */
  readonly time: number | undefined;
}

/** The most frames that are kept, and the most bytes of them. */
const MAX_FRAMES = 250_000;
const MAX_BYTES = 256 * 1024 * 1024;

/** The frames of one source, with the sums of them. */
export class FrameLog {
  readonly entries: Entry[] = [];
  /** Indices of the frames that break a rule or are cut. */
  readonly broken: number[] = [];
  fromClient = 0;
  fromServer = 0;
  bytes = 0;
  /** How many more there were. */
  unlisted = 0;
  #onChange: () => void;

  /** @param onChange called after each change: it is for the callee to wait for more of them */
  constructor(onChange: () => void) {
    this.#onChange = onChange;
  }

  add(entry: Entry): void {
    const { frame } = entry;
    if (this.entries.length >= MAX_FRAMES || this.bytes + frame.size > MAX_BYTES) {
      this.unlisted++;
    } else {
      if (frame.broken) this.broken.push(this.entries.length);
      this.entries.push(entry);
      if (frame.sender === "client") this.fromClient++;
      else this.fromServer++;
      this.bytes += frame.size;
    }
    this.#onChange();
  }

  clear(): void {
    this.entries.length = 0;
    this.broken.length = 0;
    this.fromClient = 0;
    this.fromServer = 0;
    this.bytes = 0;
    this.unlisted = 0;
    this.#onChange();
  }
}
