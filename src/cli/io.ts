// The parts of a process that the command uses.

/** A process, or a stand-in for one in a test. */
export interface Io {
  readonly stdin: AsyncIterable<unknown>;
  readonly stdout: Output;
  readonly stderr: Output;
  /** Set as soon as it is known, because the process ends early if its reader goes away. */
  exitCode?: number | string | null | undefined;
}

/** A stream that may be a terminal. */
export type Output = NodeJS.WritableStream & {
  readonly isTTY?: boolean;
  /** Width of a terminal, in characters. */
  readonly columns?: number;
};

/** Writes to standard output. Resolves when it can accept more. */
export type Print = (text: string) => Promise<void>;
