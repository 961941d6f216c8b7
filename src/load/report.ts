/** How a run goes: what onProgress gets. */
export interface LoadProgress {
  /** What the run does now, in this order. */
  readonly phase: "connecting" | "warming up" | "measuring" | "ending";
  /** Since the phase began, in milliseconds. */
  readonly elapsed: number;
  /** How many connections are open. */
  readonly connections: number;
  /** Answers since the run began. */
  readonly received: number;
  /** Messages in a second, since the call before: see LoadReport. */
  readonly messagesPerSecond: number;
  /** Errors up to now, wrong answers not counted. */
  readonly errors: number;
  /** Answers that were not what was sent. */
  readonly mismatches: number;
}

/** Times from a message to its answer, in milliseconds. */
export interface LoadLatency {
  /**
   * How many messages were timed: those that were sent in the measured time and answered, then or later. With a rate those that
   * were due before its end and answered after its beginning. A message is timed with its last answer.
   */
  readonly count: number;
  /** The shortest of them. */
  readonly min: number;
  /** Their sum by their number. */
  readonly mean: number;
  /** Half of them took this long or less. */
  readonly p50: number;
  /** 90 of 100. */
  readonly p90: number;
  /** 99 of 100. */
  readonly p99: number;
  /** 999 of 1000. */
  readonly p999: number;
  /** The longest of them. */
  readonly max: number;
}

/** Something that went wrong, and how often. */
export interface LoadError {
  /**
   * A stable name: that of the system (`ECONNRESET`), of a HandshakeError or a WebSocketError, `CLOSED_` and the code of a
   * Close that came before the end (1006 if none did), or one of `TIMEOUT`, `MISMATCH`, `UNEXPECTED` (a message where none
   * was due), `UNANSWERED`, `NO_PONG`, `NOT_CLOSED`.
   */
  readonly code: string;
  /** What happened the first time. */
  readonly message: string;
  /** How often it happened. */
  readonly count: number;
}

/** What a run has found. Times are in milliseconds, but for `seconds`. */
export interface LoadReport {
  /** Where the load went. */
  readonly url: string;
  /** What was asked for. */
  readonly options: {
    readonly connections: number;
    /** Null for messages of your own. */
    readonly size: number | null;
    /** How many there are of your own; null for none. */
    readonly messages: number | null;
    /** "echo" if the server was to answer each message with the same. */
    readonly answers: number | "echo" | "any";
    /** Null for no limit. */
    readonly inFlight: number | null;
    /** Null for as fast as possible. */
    readonly rate: number | null;
    readonly binary: boolean;
    readonly compress: boolean;
  };
  /** Whether everything that was sent was answered as it should be, and nothing else happened. */
  readonly ok: boolean;
  /** Whether the signal ended it. */
  readonly interrupted: boolean;
  /** How long was measured. */
  readonly seconds: number;
  /**
   * Messages in the measured time: those whose last answer came in it, right or wrong. Where no answers are waited for, those
   * that were sent in it.
   */
  readonly messages: number;
  /** `messages` by `seconds`. */
  readonly messagesPerSecond: number;
  /** Payload of these messages, as they were sent. */
  readonly bytes: number;
  /** `bytes` by `seconds`. */
  readonly bytesPerSecond: number;
  /** How long the answers took. */
  readonly latency: LoadLatency;
  /** The whole run, from the first message to the last. With one answer to each, `sent` is `received` and `unanswered`. */
  readonly total: {
    readonly sent: number;
    /** Answers, right or wrong. */
    readonly received: number;
    /** Messages that did not get all their answers. */
    readonly unanswered: number;
    readonly mismatches: number;
    /** Messages where none was due. */
    readonly unexpected: number;
    /** With a rate: messages that were due, but could not be sent. */
    readonly unsent: number;
    /** Bytes on the wire below TLS's encryption, handshakes included. */
    readonly bytesSent: number;
    readonly bytesReceived: number;
  };
  /** What became of the connections. */
  readonly connections: {
    readonly opened: number;
    readonly failed: number;
    /** Those that ended before the run did. */
    readonly lost: number;
    /** How long it took to open all. */
    readonly openedIn: number;
    /** Whether the server has agreed to permessage-deflate. */
    readonly compressed: boolean;
  };
  /** What went wrong, each kind once. Empty if nothing did. */
  readonly errors: readonly LoadError[];
  /** What the load itself took, in the measured time. */
  readonly load: {
    /** Processor time of this process, of one core: 1 is all of it. */
    readonly cpu: number;
    /** The part of the time that the event loop was busy, or waited for a processor. */
    readonly eventLoop: number;
    /** Whether it hardly ever waited for the server: then it is the load that was measured. */
    readonly bottleneck: boolean;
  };
}
