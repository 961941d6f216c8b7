// The command line of `wsframe load`.

import { parseArgs } from "node:util";
import type { LoadOptions } from "wsframe/load";
import { orUsageError, UsageError } from "./options.ts";

/** What `load --help` prints. */
export const LOAD_USAGE: string = `Usage: wsframe load [options] URL

Puts load on a WebSocket server and measures it. By default the server is expected
to answer each message with the same, and every answer is compared with what was
sent. For a server that does something else, give it messages of your own
(--message) and say how many answers each of them gets (--answers).

URL is ws: or wss: (http: and https: are the same). A user and password in it are
sent as Basic authorization.

Options:
  -c, --connections N   how many connections. Default 50
  -s, --size N          the payload of a message, in bytes, up to 100 MiB.
                        Default 32
  -m, --message TEXT    a message of your own, in place of --size. May be given more
                        than once: each connection sends them in turn, over and
                        over
      --message-file FILE
                        messages of your own, one on each line; of a file whose
                        name ends in .json, the elements of its array. - is
                        standard input. Those of --message go first
  -a, --answers N       how many messages the server answers to each. They are
                        counted, not compared. 0: it does not answer; messages are
                        sent as fast as the server reads. any: what it sends is
                        counted, and is not waited for. echo: the same, which is
                        compared. Default: echo; with messages of your own 1
  -f, --in-flight N     how many messages of a connection may wait for their
                        answers. Default 1; with --rate any number
  -r, --rate N          messages in a second, on all connections together. Each
                        counts from when it was due, whether it could be sent then
                        or not. Default: as fast as the answers come
  -b, --binary          binary messages: any bytes, or the UTF-8 of your own.
                        Default: text, of ASCII
      --compress        offer permessage-deflate, and compress every message if
                        the server agrees
  -d, --duration N      how long to measure, in seconds. Default 10
      --warm-up N       how long to send before anything is measured, in seconds.
                        Default 1
      --handshake-timeout N
                        how long a connection may take to open, in seconds.
                        Default 5
      --answer-timeout N
                        how long the run waits at its end for the last answers, in
                        seconds. Default 5
      --close-timeout N how long the closing handshakes may take after that, in
                        seconds. Default 5
  -H, --header LINE     a header field of the request, "Name: value". May be given
                        more than once
      --protocol NAME   a subprotocol to offer. May be given more than once
      --origin VALUE    the value of Origin
      --insecure        with wss: take any certificate
      --json            one JSON document, and nothing else
      --color, --no-color
                        use colours, or do not. Default: on a terminal, unless
                        NO_COLOR is set
      --help            show this

Ctrl-C ends the run and prints what there is; once more, it ends at once.

Exit code:
  0  every message was answered as it should be, and nothing else happened
  1  there were errors, or answers that were wrong or missing
  2  no connection could be opened, or the command line or a file is wrong
`;

/** What the command line asks for. */
export interface LoadCommand {
  readonly url: string;
  readonly options: LoadOptions;
  /** Files of messages, which go after those in the options. */
  readonly messageFiles: readonly string[];
  readonly json: boolean;
  /** Undefined: what the output is decides. */
  readonly color: boolean | undefined;
}

/** @throws UsageError */
export function parseLoad(args: readonly string[]): LoadCommand | "help" {
  const { values, positionals } = parse(args);
  if (values.help) return "help";
  const [url, ...more] = positionals;
  if (url === undefined) throw new UsageError("no URL given");
  if (more.length > 0) throw new UsageError("load takes one URL");
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

// Its type is that of the options below: what infers it must be one expression.
// oxlint-disable-next-line typescript/explicit-function-return-type
function parse(args: readonly string[]) {
  return orUsageError(() =>
    parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
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
      },
    }),
  );
}

/** Its range is load()'s to check. */
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
