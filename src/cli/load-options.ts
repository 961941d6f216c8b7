// The command line of `wsframe load`.

import { parseArgs } from "node:util";
import type { LoadOptions } from "wsframe/load";
import { orUsageError, UsageError } from "./options.ts";

/** The text that `load --help` prints. */
export const LOAD_USAGE: string = `Usage: wsframe load [options] URL

Generates load for a WebSocket server and measures it. By default, the server must
echo each message, and every answer is compared with the message that was sent. For
any other server, give your own messages (--message) and the number of answers that
each of them gets (--answers).

URL starts with ws: or wss: (http: and https: mean the same). A user name and
password in it are sent as Basic authorization.

Options:
  -c, --connections N   number of connections. Default: 50
  -s, --size N          payload size of a message in bytes, up to 100 MiB.
                        Default: 32
  -m, --message TEXT    send this message instead of a generated one. Repeat the
                        option for more messages: each connection sends them in
                        turn, over and over
      --message-file FILE
                        send the messages in this file, one per line. If the name
                        ends in .json, they are the elements of an array. "-" is
                        standard input. Messages from --message are sent first.
                        May be repeated
  -a, --answers N|any|echo
                        what the server sends back for each message:
                        N     this many messages, counted but not compared
                        0     nothing; messages are sent as fast as the server reads
                        any   like 0, but messages from the server are counted
                        echo  the same message, which is compared
                        Default: echo, or 1 with your own messages
  -f, --in-flight N     number of messages per connection that may wait for an
                        answer. Default: 1, or no limit with --rate
  -r, --rate N          messages per second, over all connections. Latency counts
                        from the time a message was due, even if it was sent later.
                        Default: as fast as the answers arrive
  -b, --binary          send binary messages: random bytes, or your own messages as
                        UTF-8. Default: ASCII text
      --compress        offer permessage-deflate, and compress every message if the
                        server accepts it
  -d, --duration N      measuring time in seconds. Default: 10
      --warm-up N       sending time before the measurement, in seconds. Default: 1
      --handshake-timeout N
                        time limit for opening a connection, in seconds. Default: 5
      --answer-timeout N
                        time to wait for the last answers at the end of the run, in
                        seconds. Default: 5
      --close-timeout N time limit for the closing handshakes after that, in
                        seconds. Default: 5
  -H, --header LINE     add a header field to the request: "Name: value". May be
                        repeated
      --protocol NAME   offer this subprotocol. May be repeated
      --origin VALUE    send this value in the Origin header
      --insecure        accept any certificate (wss: only)
      --json            print the report as one JSON document, and nothing else
      --color, --no-color
                        use colours, or not. Default: only on a terminal, and only
                        if NO_COLOR is not set
      --help            show this help

Press Ctrl-C to end the run early and print the report. Press it again to quit.

Exit code:
  0  every message got the right answer, and nothing else went wrong
  1  there were errors, or wrong or missing answers
  2  no connection could be opened, or the command line or a file is wrong
`;

/** A parsed command line. */
export interface LoadCommand {
  readonly url: string;
  readonly options: LoadOptions;
  /** Files with messages, sent after the messages in the options. */
  readonly messageFiles: readonly string[];
  readonly json: boolean;
  /** Undefined: use colours only on a terminal. */
  readonly color: boolean | undefined;
}

/** @throws UsageError */
export function parseLoad(args: readonly string[]): LoadCommand | "help" {
  const { values, positionals } = parse(args);
  if (values.help) return "help";
  const [url, ...more] = positionals;
  if (url === undefined) throw new UsageError("no URL given");
  if (more.length > 0) throw new UsageError("load accepts only one URL");
  return {
    url,
    options: {
      connections: number("connections", values.connections),
      size: number("size", values.size),
      messages: values.message,
      answers: answers(values.answers),
      inFlight: number("in-flight", values["in-flight"]),
      rate: number("rate", values.rate),
      binary: values.binary,
      compress: values.compress,
      duration: milliseconds("duration", values.duration),
      warmUp: milliseconds("warm-up", values["warm-up"]),
      handshakeTimeout: milliseconds("handshake-timeout", values["handshake-timeout"]),
      answerTimeout: milliseconds("answer-timeout", values["answer-timeout"]),
      closeTimeout: milliseconds("close-timeout", values["close-timeout"]),
      headers: values.header?.map(header),
      protocols: values.protocol,
      origin: values.origin,
      tls: values.insecure ? { rejectUnauthorized: false } : undefined,
    },
    messageFiles: values["message-file"] ?? [],
    json: values.json ?? false,
    color: values["no-color"] ? false : values.color,
  };
}

const OPTIONS = {
  connections: { type: "string", short: "c" },
  size: { type: "string", short: "s" },
  message: { type: "string", short: "m", multiple: true },
  "message-file": { type: "string", multiple: true },
  answers: { type: "string", short: "a" },
  "in-flight": { type: "string", short: "f" },
  rate: { type: "string", short: "r" },
  binary: { type: "boolean", short: "b" },
  compress: { type: "boolean" },
  duration: { type: "string", short: "d" },
  "warm-up": { type: "string" },
  "handshake-timeout": { type: "string" },
  "answer-timeout": { type: "string" },
  "close-timeout": { type: "string" },
  header: { type: "string", short: "H", multiple: true },
  protocol: { type: "string", multiple: true },
  origin: { type: "string" },
  insecure: { type: "boolean" },
  json: { type: "boolean" },
  color: { type: "boolean" },
  "no-color": { type: "boolean" },
  help: { type: "boolean", short: "h" },
} as const;

// TypeScript infers the type from the options.
// oxlint-disable-next-line typescript/explicit-function-return-type
function parse(args: readonly string[]) {
  return orUsageError(OPTIONS, () => parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS }));
}

/** Parses a number. load() checks its range. */
function number(name: string, value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  if (!/^(\d+(\.\d*)?|\.\d+)(e\d+)?$/i.test(value)) throw new UsageError(`--${name} must be a number, not ${value}`);
  return Number(value);
}

function answers(value: string | undefined): LoadOptions["answers"] {
  if (value === "echo" || value === "any") return value;
  if (value !== undefined && !/^\d+$/.test(value)) {
    throw new UsageError(`--answers must be a whole number, echo or any, not ${value}`);
  }
  return number("answers", value);
}

function milliseconds(name: string, value: string | undefined): number | undefined {
  const seconds = number(name, value);
  return seconds === undefined ? undefined : seconds * 1000;
}

function header(line: string): [name: string, value: string] {
  const colon = line.indexOf(":");
  if (colon < 1) throw new UsageError(`--header must be "Name: value", not ${line}`);
  return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
}
