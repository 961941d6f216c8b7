import type { ConnectionOptions } from "node:tls";
import { types } from "node:util";
import { checkNames, checkSignal, type Hints, type Names } from "../frame/known-options.ts";
import type { RequestOptions } from "../index.ts";
import { LONGEST_DELAY } from "../protocol/times.ts";
import type { LoadProgress } from "./report.ts";

/** Options of load(). Times are in milliseconds, sizes in bytes. */
export interface LoadOptions extends Pick<RequestOptions, "protocols" | "headers" | "origin"> {
  /** Number of connections, 1 to 65,536. All are open or have failed before the first message is sent. Default 50. */
  readonly connections?: number | undefined;
  /** Payload size of a message, 0 to 104,857,600 bytes. Must not be given with `messages`. Default 32. */
  readonly size?: number | undefined;
  /**
   * Your own messages instead of generated ones of `size` bytes. Strings are sent as text messages, bytes as binary messages.
   * Both are copied, up to 104,857,600 bytes each. Each connection sends them in turn, over and over. Default: none.
   */
  readonly messages?: readonly (string | Uint8Array)[] | undefined;
  /**
   * What the server sends back for each message. Default "echo", or 1 with `messages`.
   * - "echo": the same message, which is compared.
   * - a number from 1 to 1,000,000: this many messages, which are counted but not compared.
   * - 0: nothing. Without a `rate`, messages are sent as fast as the server reads them, which is measured with Pings.
   * - "any": like 0, but messages from the server are counted and are no error.
   */
  readonly answers?: number | "echo" | "any" | undefined;
  /**
   * Number of messages per connection that may wait for their answers. Default 1, or Infinity with `rate`. Must not be given
   * if `answers` is 0 or "any".
   */
  readonly inFlight?: number | undefined;
  /**
   * Messages per second over all connections, due at equal intervals. Latency counts from the time a message was due, even if
   * it was sent later, so a server that stalls cannot hide it. Default: as fast as the answers arrive.
   */
  readonly rate?: number | undefined;
  /** Send binary messages: random bytes, or the strings in `messages` as UTF-8. Default false: ASCII text. */
  readonly binary?: boolean | undefined;
  /** Offer permessage-deflate (RFC 7692), and compress every message if the server accepts it. Default false. */
  readonly compress?: boolean | undefined;
  /** How long to measure, in milliseconds. 1 or more. Default 10,000. */
  readonly duration?: number | undefined;
  /** How long to send before the measurement, in milliseconds. 0 or more. Default 1000. */
  readonly warmUp?: number | undefined;
  /** Time limit for opening a connection, in milliseconds. 1 or more. Default 5000. */
  readonly handshakeTimeout?: number | undefined;
  /** How long to wait for the last answers at the end of the run, in milliseconds. 1 or more. Default 5000. */
  readonly answerTimeout?: number | undefined;
  /** Time limit for the closing handshakes after that, in milliseconds. 1 or more. Default 5000. */
  readonly closeTimeout?: number | undefined;
  /** For wss: URLs, options of node:tls such as `ca`, `cert`, `key`, `rejectUnauthorized` and `servername`. Default: none. */
  readonly tls?: ConnectionOptions | undefined;
  /** Ends the run early when aborted. The report covers the run up to then. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** Called four times a second during the run. Default: none. */
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/** The options with their defaults filled in. @internal */
export interface LoadSettings extends LoadOptions {
  readonly connections: number;
  readonly size: number;
  readonly answers: number | "echo" | "any";
  /** Infinity for no limit. */
  readonly inFlight: number;
  readonly binary: boolean;
  readonly compress: boolean;
  readonly duration: number;
  readonly warmUp: number;
  readonly handshakeTimeout: number;
  readonly answerTimeout: number;
  readonly closeTimeout: number;
}

const MOST_CONNECTIONS = 65536;
const MOST_BYTES = 104857600;
const MOST_ANSWERS = 1e6;
const MOST_IN_FLIGHT = 1e9;

/** The names of all options. The type makes sure that none is missing. */
const NAMES: Names<LoadOptions> = {
  connections: true,
  size: true,
  messages: true,
  answers: true,
  inFlight: true,
  rate: true,
  binary: true,
  compress: true,
  duration: true,
  warmUp: true,
  handshakeTimeout: true,
  answerTimeout: true,
  closeTimeout: true,
  protocols: true,
  headers: true,
  origin: true,
  tls: true,
  signal: true,
  onProgress: true,
};

/** Names of options in other tools, and likely mistakes. */
const HINTS: Hints = {
  timeout: "use `handshakeTimeout`, `answerTimeout` or `closeTimeout`",
  connectTimeout: "use `handshakeTimeout`",
  concurrency: "use `connections`",
  vus: "use `connections`",
  message: "use `messages`",
  payload: "use `messages`",
  perMessageDeflate: "use `compress`",
  pipelining: "use `inFlight`",
  subprotocols: "use `protocols`",
  rejectUnauthorized: "use `tls: { rejectUnauthorized }`",
  ca: "use `tls: { ca }`",
};

/**
 * @throws TypeError if an option is unknown or has the wrong type
 * @throws RangeError if an option is out of range @internal
 */
export function readLoadOptions(options: LoadOptions): LoadSettings {
  checkNames("load()", options, NAMES, HINTS);
  checkSignal(options.signal);
  const { rate, messages } = options;
  if (rate !== undefined && !(numberOf("rate", rate) > 0 && rate < Infinity)) {
    throw new RangeError("rate must be a finite number greater than 0");
  }
  if (messages !== undefined) {
    checkMessages(messages);
    if (options.size !== undefined) throw new TypeError("size does not apply to your own messages: leave it out");
  }
  const answers = readAnswers(options.answers ?? (messages === undefined ? "echo" : 1));
  return {
    ...options,
    answers,
    inFlight: readInFlight(options.inFlight, answers, rate),
    connections: wholeNumber("connections", options.connections ?? 50, 1, MOST_CONNECTIONS),
    size: wholeNumber("size", options.size ?? 32, 0, MOST_BYTES),
    binary: flag("binary", options.binary ?? false),
    compress: flag("compress", options.compress ?? false),
    duration: time("duration", options.duration ?? 10_000, 1),
    warmUp: time("warmUp", options.warmUp ?? 1000, 0),
    handshakeTimeout: time("handshakeTimeout", options.handshakeTimeout ?? 5000, 1),
    answerTimeout: time("answerTimeout", options.answerTimeout ?? 5000, 1),
    closeTimeout: time("closeTimeout", options.closeTimeout ?? 5000, 1),
  };
}

function checkMessages(messages: readonly (string | Uint8Array)[]): void {
  if (!Array.isArray(messages)) throw new TypeError("messages must be an array of strings or Uint8Arrays");
  if (messages.length === 0) throw new RangeError("messages must not be empty");
  for (const message of messages as readonly (string | Uint8Array)[]) {
    if (typeof message !== "string" && !types.isUint8Array(message)) {
      throw new TypeError("messages must be strings or Uint8Arrays");
    }
    if (Buffer.byteLength(message) > MOST_BYTES) {
      throw new RangeError(`messages must not be longer than ${MOST_BYTES} bytes`);
    }
  }
}

function readAnswers(answers: number | string): LoadSettings["answers"] {
  if (answers === "echo" || answers === "any") return answers;
  if (typeof answers !== "number") throw new TypeError(`answers must be a number, "echo" or "any"`);
  return wholeNumber("answers", answers, 0, MOST_ANSWERS);
}

function readInFlight(
  inFlight: number | undefined,
  answers: LoadSettings["answers"],
  rate: number | undefined,
): LoadSettings["inFlight"] {
  const waits = answers !== 0 && answers !== "any";
  if (inFlight === undefined) return waits && rate === undefined ? 1 : Infinity;
  if (!waits) throw new RangeError('inFlight does not apply if answers is 0 or "any": leave it out');
  if (inFlight !== Infinity) return wholeNumber("inFlight", inFlight, 1, MOST_IN_FLIGHT);
  if (rate === undefined) throw new RangeError("inFlight can be Infinity only with a rate");
  return inFlight;
}

function numberOf(name: string, value: unknown): number {
  if (typeof value !== "number") throw new TypeError(`${name} must be a number`);
  return value;
}

function flag(name: string, value: unknown): boolean {
  if (typeof value !== "boolean") throw new TypeError(`${name} must be true or false`);
  return value;
}

function wholeNumber(name: string, value: unknown, least: number, most: number): number {
  const number = numberOf(name, value);
  if (!Number.isInteger(number) || number < least || number > most) {
    throw new RangeError(`${name} must be a whole number from ${least} to ${most}`);
  }
  return number;
}

function time(name: string, value: unknown, least: number): number {
  const number = numberOf(name, value);
  if (!(number >= least && number <= LONGEST_DELAY)) {
    throw new RangeError(`${name} must be a number of milliseconds from ${least} to ${LONGEST_DELAY}`);
  }
  return number;
}
