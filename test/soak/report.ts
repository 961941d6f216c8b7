// The report of one end on a connection that has ended.

/** The messages of one direction. Each hash covers its message and all previous ones, so any prefix can be compared. */
export interface Direction {
  readonly count: number;
  /** Payload bytes. */
  readonly bytes: number;
  readonly hashes: readonly string[];
}

export interface Report {
  /** Whether the handshake completed. */
  readonly opened: boolean;
  /** The code of the received Close, or 1006 if there was none. */
  readonly code: number;
  /** A readable error for the output. */
  readonly error?: string | undefined;
  /** The time from its own close() to the end, in milliseconds. */
  readonly closing?: number | undefined;
  readonly sent: Direction;
  readonly received: Direction;
  /** The number of Pings sent, and whether the last one was answered and all Pongs were answers in order. */
  readonly pings: number;
  readonly pongs: "right" | "wrong";
}

export const NOTHING: Direction = { count: 0, bytes: 0, hashes: [] };

/** The report on a failed handshake. */
export function refused(error: unknown): Report {
  return {
    opened: false,
    code: 1006,
    error: String(error),
    sent: NOTHING,
    received: NOTHING,
    pings: 0,
    pongs: "right",
  };
}
