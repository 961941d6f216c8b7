import type { ConnectionOptions } from "node:tls";
import type { RequestOptions } from "../index.ts";
import type { LoadProgress } from "./report.ts";

/** Options of load(). Times are in milliseconds, sizes in bytes. */
export interface LoadOptions extends Pick<RequestOptions, "protocols" | "headers" | "origin"> {
  /** How many connections. All are open, or have failed, before the first message is sent. Default 50. */
  readonly connections?: number | undefined;
  /** The payload of a message, 0 to 104,857,600. Default 32. */
  readonly size?: number | undefined;
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
  /** Send binary messages: any bytes. Default false: text, of ASCII characters. */
  readonly binary?: boolean | undefined;
  /** Offer permessage-deflate, and compress every message if the server agrees. Default false. */
  readonly compress?: boolean | undefined;
  /** How long to measure. Default 10,000. */
  readonly duration?: number | undefined;
  /** How long to send before anything is measured. Default 1000. */
  readonly warmUp?: number | undefined;
  /** How long a connection may take to open; and at the end the last answers, and then closing. Default 5000. */
  readonly timeout?: number | undefined;
  /** wss: options of node:tls, such as `ca`, `cert`, `key`, `rejectUnauthorized`, `servername`. Default: Node's. */
  readonly tls?: ConnectionOptions | undefined;
  /** Ends the run early, with the report of what there is. Default none. */
  readonly signal?: AbortSignal | undefined;
  /** Called four times a second. Default none. */
  readonly onProgress?: ((progress: LoadProgress) => void) | undefined;
}

/** The options that hold. @internal */
export interface Settings extends LoadOptions {
  readonly connections: number;
  readonly size: number;
  readonly inFlight: number;
  readonly binary: boolean;
  readonly compress: boolean;
  readonly duration: number;
  readonly warmUp: number;
  readonly timeout: number;
}

const MOST_CONNECTIONS = 65536;
const MOST_BYTES = 104857600;
/** As long as a timer can wait. */
const LONGEST = 2 ** 31 - 1;

/** @throws RangeError @internal */
export function readOptions(options: LoadOptions): Settings {
  const { rate } = options;
  if (rate !== undefined && !(typeof rate === "number" && rate > 0 && rate < Infinity)) {
    throw new RangeError("rate must be a number of more than 0");
  }
  const inFlight = options.inFlight ?? (rate === undefined ? 1 : Infinity);
  if (inFlight !== Infinity) wholeNumber("inFlight", inFlight, 1, 1e9);
  else if (rate === undefined) throw new RangeError("inFlight must not be Infinity without a rate");
  return {
    ...options,
    inFlight,
    connections: wholeNumber("connections", options.connections ?? 50, 1, MOST_CONNECTIONS),
    size: wholeNumber("size", options.size ?? 32, 0, MOST_BYTES),
    binary: options.binary ?? false,
    compress: options.compress ?? false,
    duration: time("duration", options.duration ?? 10_000, 1),
    warmUp: time("warmUp", options.warmUp ?? 1000, 0),
    timeout: time("timeout", options.timeout ?? 5000, 1),
  };
}

function wholeNumber(name: string, value: number, least: number, most: number): number {
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(`${name} must be a whole number from ${least} to ${most}`);
  }
  return value;
}

function time(name: string, value: number, least: number): number {
  if (typeof value !== "number" || !(value >= least && value <= LONGEST)) {
    throw new RangeError(`${name} must be a number of milliseconds from ${least} to ${LONGEST}`);
  }
  return value;
}
