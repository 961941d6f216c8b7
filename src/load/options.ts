import type { ConnectionOptions } from "node:tls";
import { types } from "node:util";
import type { RequestOptions } from "../index.ts";
import { LONGEST_DELAY } from "../protocol/times.ts";
import type { LoadProgress } from "./report.ts";

/** Options of load(). Times are in milliseconds, sizes in bytes. */
export interface LoadOptions extends Pick<RequestOptions, "protocols" | "headers" | "origin"> {
  /** How many connections. All are open, or have failed, before the first message is sent. Default 50. */
  readonly connections?: number | undefined;
  /** The payload of a message, 0 to 104,857,600. Default 32. */
  readonly size?: number | undefined;
  /**
   * Messages of your own, in place of those that `size` describes: strings are sent as text, bytes as binary messages; both are
   * copied. Each connection sends them in turn, and begins again after the last. Default none.
   */
  readonly messages?: readonly (string | Uint8Array)[] | undefined;
  /**
   * What the server answers to each message. "echo": the same, which is compared. A number: that many messages, which are
   * counted, whatever is in them. With 0 nothing is waited for, and without a `rate` messages are sent as fast as the server
   * reads them: Pings find that out. "any" is like 0, but what the server sends is counted and is no error. Default "echo";
   * with `messages`, 1.
   */
  readonly answers?: number | "echo" | "any" | undefined;
  /**
   * How many messages of a connection may wait for their answers. Default 1; with `rate`, where messages are sent when they
   * are due, Infinity.
   */
  readonly inFlight?: number | undefined;
  /**
   * How many messages are due in a second, on all connections together, evenly. Each counts from when it was due, whether it
   * could be sent then or not: a server that stalls cannot hide it. Default: as fast as the answers come.
   */
  readonly rate?: number | undefined;
  /** Send binary messages: any bytes; of `messages`, strings as their UTF-8. Default false: text, of ASCII characters. */
  readonly binary?: boolean | undefined;
  /** Offer permessage-deflate, and compress every message if the server agrees. Default false. */
  readonly compress?: boolean | undefined;
  /** How long to measure. Default 10,000. */
  readonly duration?: number | undefined;
  /** How long to send before anything is measured. Default 1000. */
  readonly warmUp?: number | undefined;
  /** How long a connection may take to open. Default 5000. */
  readonly handshakeTimeout?: number | undefined;
  /** How long the run waits at its end for the last answers. Default 5000. */
  readonly answerTimeout?: number | undefined;
  /** How long the closing handshakes may take after that. Default 5000. */
  readonly closeTimeout?: number | undefined;
  /** wss: options of node:tls, such as `ca`, `cert`, `key`, `rejectUnauthorized`, `servername`. Default: Node's. */
  readonly tls?: ConnectionOptions | undefined;
  /** Ends the run early, with the report of what there is. Default none. */
  readonly signal?: AbortSignal | undefined;
  /** Called four times a second. Default none. */
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/** The options that hold. @internal */
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

/** All names, so that the compiler finds one that is missing. */
const NAMES: Readonly<Record<keyof LoadOptions, true>> = {
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

/** What other tools call an option, or one may take for its name. */
const OTHER_NAMES: Readonly<Record<string, string>> = {
  timeout: "handshakeTimeout, answerTimeout or closeTimeout",
  connectTimeout: "handshakeTimeout",
  concurrency: "connections",
  vus: "connections",
  message: "messages",
  payload: "messages",
  perMessageDeflate: "compress",
  pipelining: "inFlight",
  subprotocols: "protocols",
  rejectUnauthorized: "tls: { rejectUnauthorized }",
  ca: "tls: { ca }",
};

/**
 * @throws TypeError for an option that there is not, or of another type
 * @throws RangeError @internal
 */
export function readLoadOptions(options: LoadOptions): LoadSettings {
  if (typeof options !== "object" || options === null || Array.isArray(options)) {
    throw new TypeError("options must be an object");
  }
  for (const name of Object.keys(options)) if (!Object.hasOwn(NAMES, name)) throw unknownOption(name);
  const { rate, messages } = options;
  if (rate !== undefined && !(numberOf("rate", rate) > 0 && rate < Infinity)) {
    throw new RangeError("rate must be a number of more than 0");
  }
  if (messages !== undefined) {
    checkMessages(messages);
    if (options.size !== undefined) throw new TypeError("size is not for messages of your own");
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

function unknownOption(name: string): TypeError {
  const plain = (text: string): string => text.toLowerCase().replaceAll(/[^a-z]|s$/g, "");
  const known = Object.keys(NAMES).find((one) => plain(one) === plain(name));
  const hint = known ?? (Object.hasOwn(OTHER_NAMES, name) ? OTHER_NAMES[name] : undefined);
  return new TypeError(`unknown option ${name}${hint === undefined ? "" : `: use ${hint}`}`);
}

function checkMessages(messages: readonly (string | Uint8Array)[]): void {
  if (!Array.isArray(messages)) throw new TypeError("messages must be an array of strings and Uint8Arrays");
  if (messages.length === 0) throw new RangeError("messages must not be empty");
  for (const message of messages as readonly (string | Uint8Array)[]) {
    if (typeof message !== "string" && !types.isUint8Array(message)) {
      throw new TypeError("messages must be strings and Uint8Arrays");
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
  if (!waits) throw new RangeError("inFlight is for answers that are waited for");
  if (inFlight !== Infinity) return wholeNumber("inFlight", inFlight, 1, MOST_IN_FLIGHT);
  if (rate === undefined) throw new RangeError("inFlight must not be Infinity without a rate");
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
