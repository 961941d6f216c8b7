// The command `wsframe`: its output and its exit codes.

import { isAscii } from "node:buffer";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { InputError } from "./input-error.ts";
import { readStreams } from "./input.ts";
import { inspect, type Inspection } from "./inspect.ts";
import type { Io, Print } from "./io.ts";
import { toJson } from "./json.ts";
import { loadServer } from "./load.ts";
import { LOAD_USAGE, parseLoad } from "./load-options.ts";
import { type Command, parseCommand, USAGE, UsageError } from "./options.ts";
import { measure } from "./speed.ts";
import { makeStyle, type Style } from "./style.ts";
import type { Stream } from "./stream.ts";
import { countLines, speedLines } from "./summary.ts";
import { frameTable, streamHeading } from "./table.ts";

const EXIT_PROTOCOL_ERROR = 1;
const EXIT_FAILURE = 2;

const DEFAULT_WIDTH = 100;
const LEAST_WIDTH = 72;
const JSON_PREVIEW_BYTES = 128;

/** @throws InputError if the file does not begin with a frame, and nothing else shows that it is a stream */
function assertIsStream(stream: Stream, { error, counts }: Inspection): void {
  // Files of other kinds rarely start with a byte that can start a frame.
  if (stream.roleFrom !== "guess" || counts.frames > 0 || error?.error.byteOffset !== 0) return;
  const compressed = error.error.code === "WS_ERR_UNEXPECTED_RSV_1" && [1, 2].includes(stream.bytes[0]! & 0x3f);
  throw new InputError(
    `${stream.file}: not a WebSocket stream (${error.message}, in the first byte). ` +
      (compressed
        ? "If it is compressed, use --rsv 4"
        : isAscii(stream.bytes)
          ? "It is text, but not hex in a known format: use xxd -p to make some"
          : "If it is one, use --role"),
  );
}

async function report(
  print: Print,
  stream: Stream,
  inspection: Inspection,
  command: Command,
  style: Style,
  width: number,
): Promise<void> {
  // Print the frames first, because measuring takes a while.
  await print(`${streamHeading(stream, style)}\n${frameTable(stream, inspection, { style, width })}\n`);
  await print(countLines(inspection.counts, style));
  if (command.speed) await print(speedLines(await measure(stream, inspection), style));
}

async function inspectAll(command: Command, io: Io, print: Print): Promise<void> {
  const { stdin, stdout } = io;
  const style = makeStyle(command.color ?? (stdout.isTTY === true && !process.env["NO_COLOR"]));
  const width = Math.max((stdout.isTTY && stdout.columns) || DEFAULT_WIDTH, LEAST_WIDTH);
  let documents = 0;
  let printed = false;
  for (const file of command.files) {
    try {
      for (const stream of await readStreams(file, stdin, command)) {
        const previewBytes = command.json ? JSON_PREVIEW_BYTES : width;
        const inspection = inspect(stream, { rows: command.rows, previewBytes });
        assertIsStream(stream, inspection);
        if (inspection.error) io.exitCode ??= EXIT_PROTOCOL_ERROR;
        if (command.json) {
          const speed = command.speed ? ((await measure(stream, inspection)) ?? null) : undefined;
          await print(documents++ === 0 ? "[" : ",");
          for (const piece of toJson(stream, inspection, speed)) await print(piece);
          continue;
        }
        if (printed) await print("\n");
        printed = true;
        await report(print, stream, inspection, command, style, width);
      }
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      complain(io, error.message);
    }
  }
  if (command.json) await print(documents === 0 ? "[]\n" : "]\n");
}

function version(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

/** Runs the command. `args` are the arguments after the name of the program. */
export async function main(args: readonly string[], io: Io): Promise<void> {
  const isLoad = args[0] === "load";
  const print = async (text: string): Promise<void> => {
    if (!io.stdout.write(text)) await once(io.stdout, "drain");
  };
  try {
    if (isLoad) {
      const command = parseLoad(args.slice(1));
      if (command === "help") await print(LOAD_USAGE);
      else io.exitCode = await loadServer(command, io, print);
    } else {
      const command = parseCommand(args);
      if (command === "help") await print(USAGE);
      else if (command === "version") await print(`${version()}\n`);
      else await inspectAll(command, io, print);
    }
  } catch (error) {
    const help = isLoad ? "wsframe load --help" : "wsframe --help";
    if (error instanceof UsageError) complain(io, `${error.message} (see ${help})`);
    else if (error instanceof InputError) complain(io, error.message);
    else complain(io, error instanceof Error && error.stack ? error.stack : String(error));
  }
}

function complain(io: Io, message: string): void {
  io.exitCode = EXIT_FAILURE;
  io.stderr.write(`wsframe: ${message}\n`);
}
