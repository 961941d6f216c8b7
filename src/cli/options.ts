// The command line.

import { parseArgs } from "node:util";
import type { StreamOptions } from "./stream.ts";

const DEFAULT_ROWS = 20;

/** What `--help` prints. */
export const USAGE: string = `Usage: wsframe inspect [options] FILE...
       wsframe load [options] URL

load puts load on a server and measures it: see wsframe load --help.

inspect shows what is in a recorded WebSocket connection: its frames, its errors,
its sizes, and how fast this machine decodes it.

FILE is one direction of a connection as it went over TCP, with or without the
HTTP head in front (the upgrade request, or the 101 response); or the same as hex,
with offsets or without, as xxd, hexdump -C, od -t x1, Wireshark and tcpdump -x
print it; or - for standard input; or a directory with client.bin and server.bin.
Offsets are in bytes from the start of the file, the head included; of hex, from
the start of the bytes that it stands for.

Options:
  --role server|client  who reads the bytes: a server reads what clients send.
                        Default: by the head, else by the MASK bit of the first
                        frame
  --rsv N               the RSV bits that an extension uses, 0 to 7: 4 is RSV1.
                        Default: 4 if the head has permessage-deflate, else 0
  --limit N             frames to show per direction: the first, and the last
                        few. Default ${DEFAULT_ROWS}, with --json all; 0 is all
  --all                 the same as --limit 0
  --json                one JSON document: an array of directions
  --speed, --no-speed   measure the speed of decoding, or do not. It is measured
                        unless --json is given
  --color, --no-color   use colours, or do not. Default: on a terminal, unless
                        NO_COLOR is set
  --help                show this
  --version             show the version

The speed is that of the stream's whole messages over and over, as one long
connection in chunks of 64 KiB: of push() to a sink that counts, of decode() with
each payload looked at, and, where ws is installed, of its Receiver with a listener
for messages, pings and pongs.

Exit code:
  0  the streams follow the protocol; the last frame may be incomplete
  1  a stream breaks a rule of the protocol
  2  a file could not be inspected, or the command line is wrong
`;

/** What the command line asks for. */
export interface Command extends StreamOptions {
  readonly files: readonly string[];
  /** Frames to show per direction; Infinity for all. */
  readonly rows: number;
  readonly json: boolean;
  readonly speed: boolean;
  /** Undefined: what the output is decides. */
  readonly color: boolean | undefined;
}

/** A command line that is wrong. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

/** What a parser of arguments returns. @throws UsageError for what it throws */
export function orUsageError<T>(parser: () => T): T {
  try {
    return parser();
  } catch (error) {
    // Only the first sentence: advice follows, on lines of its own.
    throw new UsageError((error as Error).message.split(/\.\s/)[0]);
  }
}

/** @throws UsageError */
export function parseCommand(args: readonly string[]): Command | "help" | "version" {
  const { values, positionals } = parse(args);
  if (values.help) return "help";
  if (values.version) return "version";
  const [command, ...files] = positionals;
  if (command === undefined) throw new UsageError("no command given");
  if (command === "load") throw new UsageError("load goes first, and its options after it");
  if (command !== "inspect") throw new UsageError(`unknown command: ${command}`);
  if (files.length === 0) throw new UsageError("no file given");
  if (files.filter((file) => file === "-").length > 1) throw new UsageError("standard input can be read only once");
  const { role, json = false } = values;
  if (role !== undefined && role !== "server" && role !== "client") {
    throw new UsageError(`--role must be server or client, not ${role}`);
  }
  const limit = values.all ? 0 : wholeNumber("limit", values.limit, Number.MAX_SAFE_INTEGER);
  return {
    files,
    role,
    rsv: wholeNumber("rsv", values.rsv, 7),
    rows: (limit ?? (json ? 0 : DEFAULT_ROWS)) || Infinity,
    json,
    speed: choice(values.speed, values["no-speed"]) ?? !json,
    color: choice(values.color, values["no-color"]),
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
        role: { type: "string" },
        rsv: { type: "string" },
        limit: { type: "string" },
        all: { type: "boolean" },
        json: { type: "boolean" },
        speed: { type: "boolean" },
        "no-speed": { type: "boolean" },
        color: { type: "boolean" },
        "no-color": { type: "boolean" },
        help: { type: "boolean", short: "h" },
        version: { type: "boolean", short: "v" },
      },
    }),
  );
}

function wholeNumber(name: string, value: string | undefined, most: number): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!/^\d+$/.test(value) || number > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? "0 or more" : `from 0 to ${most}`;
    throw new UsageError(`--${name} must be a whole number ${range}, not ${value}`);
  }
  return number;
}

function choice(yes: boolean | undefined, no: boolean | undefined): boolean | undefined {
  if (no) return false;
  return yes;
}
