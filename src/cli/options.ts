// The command line of `wsframe inspect`, and what both commands share.

import { parseArgs } from "node:util";
import { similar } from "../frame/known-options.ts";
import type { StreamOptions } from "./stream.ts";

const DEFAULT_ROWS = 20;

/** The text that `--help` prints. */
export const USAGE: string = `Usage: wsframe inspect [options] FILE...
       wsframe load [options] URL

inspect decodes a recorded WebSocket connection. It shows the frames, the errors,
the sizes, and how fast this machine decodes the recording.

load generates load for a server and measures it: see wsframe load --help.

FILE is one of these:
  - the bytes of one direction of a connection, as they went over TCP, with or
    without the HTTP head (the upgrade request or the 101 response) at the start
  - the same bytes as hex, with or without offsets, as xxd, hexdump -C, od -t x1,
    Wireshark and tcpdump -x print them
  - a directory that contains client.bin and server.bin
  - "-" for standard input

Offsets are in bytes from the start of the file, including the head. In hex text,
they count the bytes, not the characters.

Options:
  --role server|client  role of the reader: a server reads what a client sent.
                        Default: from the HTTP head, or from the file name in a
                        directory, or else from the MASK bit of the first frame
  --rsv N               RSV bits that an extension uses, 0 to 7; RSV1 is 4.
                        Default: 4 if the head has permessage-deflate, else 0
  --limit N             number of frames to show per direction: the first ones,
                        and a few from the end. 0 shows all of them.
                        Default: ${DEFAULT_ROWS}, or all with --json
  --all                 same as --limit 0
  --json                print one JSON document: an array of directions
  --speed, --no-speed   measure the decoding speed, or skip it. Default: measure,
                        except with --json
  --color, --no-color   use colours, or not. Default: only on a terminal, and only
                        if NO_COLOR is not set
  --help                show this help
  --version             show the version

The speed is measured by decoding the complete messages of a stream over and over,
as one long connection in chunks of 64 KiB. It is measured for push() with a sink
that counts, for decode() plus reading each payload, and, if ws is installed, for
its Receiver with listeners for messages, pings and pongs.

Exit code:
  0  every stream follows the protocol; the last frame may be incomplete
  1  a stream breaks a rule of the protocol
  2  a file could not be inspected, or the command line is wrong
`;

/** A parsed command line. */
export interface Command extends StreamOptions {
  readonly files: readonly string[];
  /** Frames to show per direction; Infinity for all. */
  readonly rows: number;
  readonly json: boolean;
  readonly speed: boolean;
  /** Undefined: use colours only on a terminal. */
  readonly color: boolean | undefined;
}

/** A mistake in the command line. */
export class UsageError extends Error {
  override readonly name: string = "UsageError";
}

/** Calls parseArgs() with these options, and turns its errors into short ones. @throws UsageError */
export function orUsageError<T>(options: object, parser: () => T): T {
  try {
    return parser();
  } catch (error) {
    throw new UsageError(mistakeIn((error as Error).message, Object.keys(options)));
  }
}

/** Says what is wrong in one line: Node.js adds advice of several lines. */
function mistakeIn(message: string, known: readonly string[]): string {
  const option = /'(?:-\w, )?(--?[\w-]+)/.exec(message)?.[1];
  if (option === undefined) return message.split("\n")[0]!;
  if (message.startsWith("Unknown option")) {
    const near = option.startsWith("--") ? similar(option.slice(2), known) : undefined;
    return `unknown option ${option}${near === undefined ? "" : `: did you mean --${near}?`}`;
  }
  if (message.includes("does not take an argument")) return `${option} does not take a value`;
  if (!message.includes("is ambiguous")) return `${option} needs a value`;
  const example = option.startsWith("--") ? `${option}=-x` : `${option}-x`;
  return `${option} needs a value; write ${example} if the value starts with a dash`;
}

/** @throws UsageError */
export function parseCommand(args: readonly string[]): Command | "help" | "version" {
  const { values, positionals } = parse(args);
  if (values.help) return "help";
  if (values.version) return "version";
  const [command, ...files] = positionals;
  if (command === undefined) throw new UsageError("no command given: use inspect or load");
  if (command === "load") throw new UsageError("load must be the first argument");
  if (command !== "inspect") throw new UsageError(`unknown command ${command}: use inspect or load`);
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

const OPTIONS = {
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
} as const;

// TypeScript infers the type from the options.
// oxlint-disable-next-line typescript/explicit-function-return-type
function parse(args: readonly string[]) {
  return orUsageError(OPTIONS, () => parseArgs({ args: [...args], allowPositionals: true, options: OPTIONS }));
}

function wholeNumber(name: string, value: string | undefined, most: number): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  if (!/^\d+$/.test(value) || number > most) {
    const range = most === Number.MAX_SAFE_INTEGER ? "of 0 or more" : `from 0 to ${most}`;
    throw new UsageError(`--${name} must be a whole number ${range}, not ${value}`);
  }
  return number;
}

function choice(yes: boolean | undefined, no: boolean | undefined): boolean | undefined {
  if (no) return false;
  return yes;
}
