import { Errors } from "./errors.ts";
import { Histogram } from "./histogram.ts";

/** What all connections of a run count together. */
export class Tally {
  sent: number = 0;
  /** Messages that are done with: they have all their answers, right or wrong; or are sent, where nothing answers them. */
  completed: number = 0;
  /** The payload of these, in bytes. */
  payload: number = 0;
  /** Answers, right or wrong. */
  received: number = 0;
  /** Messages that were sent and will not get all their answers. */
  unanswered: number = 0;
  mismatches: number = 0;
  unexpected: number = 0;
  bytesSent: number = 0;
  bytesReceived: number = 0;
  /** Connections that are open. */
  open: number = 0;
  failed: number = 0;
  lost: number = 0;
  readonly errors: Errors = new Errors();
  readonly latency: Histogram = new Histogram();
  /** The measured time, as performance.now() has it; Infinity for what is still to come. */
  begin: number = Infinity;
  end: number = Infinity;
}
