// What the command reads and writes.

/** The streams of a process, or others in their place. */
export interface Io {
  readonly stdin: AsyncIterable<unknown>;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** A stream that may be a terminal. */
export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  /** Of a terminal: how wide it is, in characters. */
  readonly columns?: number;
};

/** Writes to standard output; resolves when it takes more. */
export type Print = (text: string) => Promise<void>;
