// What the command has of a process.

/** A process, or streams in place of its own. */
export interface Io {
  readonly stdin: AsyncIterable<unknown>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Set as soon as it is known: the process may end early, if nobody reads what it prints. */
  exitCode?: number | string | null | undefined;
}

/** A stream that may be a terminal. */
export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  /** Of a terminal: how wide it is, in characters. */
  readonly columns?: number;
};

/** Writes to standard output; resolves when it takes more. */
export type Print = (text: string) => Promise<void>;
