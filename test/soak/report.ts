// What one end says of a connection that has ended.

/** The messages of a direction. Each hash covers its message and all before it, so that any prefix can be compared. */
export interface Direction {
  readonly count: number;
  /** Of payloads. */
  readonly bytes: number;
  readonly hashes: readonly string[];
}

export interface Report {
  /** The handshake was done. */
  readonly opened: boolean;
  /** Of the Close that came; 1006 if none did. */
  readonly code: number;
  /** In words, for the output. */
  readonly error?: string | undefined;
  /** How long after its own close() it ended, in milliseconds. */
  readonly closing?: number | undefined;
  readonly sent: Direction;
  readonly received: Direction;
  /** Pings that were sent; whether the last one was answered, and all Pongs were answers in order. */
  readonly pings: number;
  readonly pongs: "right" | "wrong";
}

export const NOTHING: Direction = { count: 0, bytes: 0, hashes: [] };

/** Of a handshake that failed. */
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
