import { Errors } from "./errors.ts";
import { Histogram } from "./histogram.ts";

/** The counts of all connections of a run. */
export class Tally {
  sent: number = 0;
  /** Messages with all their answers, right or wrong. If no answers are expected, messages that were sent. */
  completed: number = 0;
  /** The payload of the completed messages, in bytes. */
  payload: number = 0;
  /** Answers, right or wrong. */
  received: number = 0;
  /** Messages that were sent but will not get all their answers. */
  unanswered: number = 0;
  mismatches: number = 0;
  unexpected: number = 0;
  bytesSent: number = 0;
  bytesReceived: number = 0;
  /** Connections that are open now. */
  open: number = 0;
  failed: number = 0;
  lost: number = 0;
  readonly errors: Errors = new Errors();
  readonly latency: Histogram = new Histogram();
  /** The measured time, on the clock of performance.now(); Infinity until it is known. */
  begin: number = Infinity;
  end: number = Infinity;
}
