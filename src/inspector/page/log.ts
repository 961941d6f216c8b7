// The list of frames.

import type { TappedFrame } from "../frame.ts";

/** One direction of a connection, live or from a file. */
export interface StreamInfo {
  /** Its name: "connection 1" or "client.bin". */
  readonly name: string;
  /** Offset of its first frame in bytes: the length of the HTTP head, if the stream has one. */
  readonly base: number;
}

/** A frame in the list. */
export interface Entry {
  readonly frame: TappedFrame;
  readonly stream: StreamInfo;
  /** When its last bytes passed, in milliseconds since the connection was opened; undefined for files. */
  readonly time: number | undefined;
}

/** The most frames to keep, and their most bytes. */
const MAX_FRAMES = 250_000;
const MAX_BYTES = 256 * 1024 * 1024;

/** The frames of one source, with their totals. */
export class FrameLog {
  readonly entries: Entry[] = [];
  /** Indices of the frames that break a rule or are incomplete. */
  readonly broken: number[] = [];
  fromClient = 0;
  fromServer = 0;
  bytes = 0;
  /** How many frames were dropped because the log is full. */
  unlisted = 0;
  #onChange: () => void;

  /** @param onChange called after each change, so it should batch its work */
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
