/** The state of a run, for onProgress. */
export interface LoadProgress {
  /** The current phase. The phases come in this order. */
  readonly phase: "connecting" | "warming up" | "measuring" | "ending";
  /** Time since the phase began, in milliseconds. */
  readonly elapsed: number;
  /** Number of open connections. */
  readonly connections: number;
  /** Answers since the run began. */
  readonly received: number;
  /** Messages per second since the previous call, counted as in LoadReport. */
  readonly messagesPerSecond: number;
  /** Errors so far, without wrong answers. */
  readonly errors: number;
  /** Wrong answers so far. */
  readonly mismatches: number;
}

/** Times from a message to its last answer, in milliseconds. */
export interface LoadLatency {
  /**
   * Number of timed messages: sent in the measured time, and answered then or later. With a rate, the messages that were due
   * before the end of the measured time and answered after its start.
   */
  readonly count: number;
  /** The shortest time. */
  readonly min: number;
  /** The mean time. */
  readonly mean: number;
  /** Half of the messages took this long or less. */
  readonly p50: number;
  /** 90 of 100 messages took this long or less. */
  readonly p90: number;
  /** 99 of 100 messages took this long or less. */
  readonly p99: number;
  /** 999 of 1000 messages took this long or less. */
  readonly p999: number;
  /** The longest time. */
  readonly max: number;
}

/** One kind of error, and how often it happened. */
export interface LoadError {
  /**
   * A stable code: a system code (`ECONNRESET`), the code of a HandshakeError or a WebSocketError, `CLOSED_` with the close
   * code of a connection that ended early (1006 without a Close), or one of `TIMEOUT`, `MISMATCH`, `UNEXPECTED` (a message
   * when no answer was due), `UNANSWERED`, `NO_PONG` and `NOT_CLOSED`.
   */
  readonly code: string;
  /** The message of the first such error. */
  readonly message: string;
  /** How often it happened. */
  readonly count: number;
}

/** The result of a run. Times are in milliseconds, except `seconds`. Sizes are in bytes. */
export interface LoadReport {
  /** The URL of the server, without credentials. */
  readonly url: string;
  /** The options of the run, with defaults filled in. */
  readonly options: {
    readonly connections: number;
    /** Null with your own messages. */
    readonly size: number | null;
    /** The number of your own messages; null if there are none. */
    readonly messages: number | null;
    /** See `answers` in LoadOptions. */
    readonly answers: number | "echo" | "any";
    /** Null for no limit. */
    readonly inFlight: number | null;
    /** Null for as fast as possible. */
    readonly rate: number | null;
    readonly binary: boolean;
    readonly compress: boolean;
  };
  /** Whether every message got the right answer and nothing else went wrong. True exactly if `errors` is empty. */
  readonly ok: boolean;
  /** Whether `signal` ended the run. */
  readonly interrupted: boolean;
  /** The measured time, in seconds. */
  readonly seconds: number;
  /**
   * Messages in the measured time: those whose last answer arrived in it, right or wrong. If no answers are expected, those
   * that were sent in it.
   */
  readonly messages: number;
  /** `messages` divided by `seconds`. */
  readonly messagesPerSecond: number;
  /** Payload of these messages as sent, uncompressed. */
  readonly bytes: number;
  /** `bytes` divided by `seconds`. */
  readonly bytesPerSecond: number;
  /** How long the answers took. All 0 if no message was timed. */
  readonly latency: LoadLatency;
  /** Counts of the whole run, including the warm-up. With one answer per message, `sent` is `received` plus `unanswered`. */
  readonly total: {
    readonly sent: number;
    /** Answers, right or wrong. */
    readonly received: number;
    /** Messages that did not get all their answers. */
    readonly unanswered: number;
    readonly mismatches: number;
    /** Messages that arrived when no answer was due. */
    readonly unexpected: number;
    /** With a rate, messages that were due but could not be sent. */
    readonly unsent: number;
    /** Bytes sent, including frame headers and the opening handshakes, before encryption. */
    readonly bytesSent: number;
    /** Bytes received, counted in the same way. */
    readonly bytesReceived: number;
  };
  /** Counts of connections. */
  readonly connections: {
    readonly opened: number;
    readonly failed: number;
    /** Connections that ended before the run did. */
    readonly lost: number;
    /** How long it took to open all of them. */
    readonly openedIn: number;
    /** Whether the server has accepted permessage-deflate on at least one connection. */
    readonly compressed: boolean;
  };
  /** The errors, one entry per code. */
  readonly errors: readonly LoadError[];
  /** The cost of the load generator itself, in the measured time. */
  readonly load: {
    /** Processor time of this process; 1 is a whole core. */
    readonly cpu: number;
    /** Share of the time, from 0 to 1, in which the event loop was busy or waited for a processor. */
    readonly eventLoop: number;
    /**
     * Whether `cpu` or `eventLoop` is above 0.9, in a run of at least 0.1 s. The load generator may then have been the
     * bottleneck.
     */
    readonly bottleneck: boolean;
  };
}
