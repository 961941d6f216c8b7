#!/usr/bin/env node
// The command `wsframe`: what it prints, and its exit codes.

import { isAscii } from "node:buffer";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { InputError } from "./input-error.ts";
import { readStreams } from "./input.ts";
import { inspect, type Inspection } from "./inspect.ts";
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

/** @throws InputError if the file has no frames at all, and nobody said that it had */
function assertIsStream(stream: Stream, { error, counts }: Inspection): void {
  // The first byte of a file of any other kind is seldom one that a frame may begin with.
  if (stream.roleFrom !== "guess" || counts.frames > 0 || error?.error.byteOffset !== 0) return;
  const compressed = error.error.code === "WS_ERR_UNEXPECTED_RSV_1" && [1, 2].includes(stream.bytes[0]! & 0x3f);
  throw new InputError(
    `${stream.file}: not a WebSocket stream (${error.message}, in the first byte). ` +
      (compressed
        ? "If it is compressed, give --rsv 4"
        : isAscii(stream.bytes)
          ? "It is text, but no hex that can be read: xxd -p prints some"
          : "If it is one, give --role"),
  );
}

async function print(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, "drain");
}

function complain(message: string): void {
  process.exitCode = EXIT_FAILURE;
  process.stderr.write(`wsframe: ${message}\n`);
}

async function report(
  stream: Stream,
  inspection: Inspection,
  command: Command,
  style: Style,
  width: number,
): Promise<void> {
  // The frames first: measuring takes a while.
  await print(`${streamHeading(stream, style)}\n${frameTable(stream, inspection, { style, width })}\n`);
  await print(countLines(inspection.counts, style));
  if (command.speed) await print(speedLines(await measure(stream, inspection), style));
}

async function inspectAll(command: Command): Promise<void> {
  const { stdout } = process;
  const style = makeStyle(command.color ?? (stdout.isTTY === true && !process.env["NO_COLOR"]));
  const width = Math.max(stdout.isTTY ? stdout.columns : DEFAULT_WIDTH, LEAST_WIDTH);
  let documents = 0;
  let printed = false;
  for (const file of command.files) {
    try {
      for (const stream of await readStreams(file, command)) {
        const previewBytes = command.json ? JSON_PREVIEW_BYTES : width;
        const inspection = inspect(stream, { rows: command.rows, previewBytes });
        assertIsStream(stream, inspection);
        if (inspection.error) process.exitCode ??= EXIT_PROTOCOL_ERROR;
        if (command.json) {
          const speed = command.speed ? ((await measure(stream, inspection)) ?? null) : undefined;
          await print(documents++ === 0 ? "[" : ",");
          for (const piece of toJson(stream, inspection, speed)) await print(piece);
          continue;
        }
        if (printed) await print("\n");
        printed = true;
        await report(stream, inspection, command, style, width);
      }
    } catch (error) {
      if (!(error instanceof InputError)) throw error;
      complain(error.message);
    }
  }
  if (command.json) await print(documents === 0 ? "[]\n" : "]\n");
}

function version(): string {
  const text = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { version: string }).version;
}

async function main(): Promise<void> {
  const args = process.argv.slice(2);
  if (args[0] === "load") {
    help = "wsframe load --help";
    const command = parseLoad(args.slice(1));
    if (command === "help") await print(LOAD_USAGE);
    else process.exitCode = await loadServer(command, print);
    return;
  }
  const command = parseCommand(args);
  if (command === "help") await print(USAGE);
  else if (command === "version") await print(`${version()}\n`);
  else await inspectAll(command);
}

process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  // The reader has seen enough, like `head`.
  if (error.code === "EPIPE") process.exit();
  throw error;
});

/** What tells how to call it. */
let help = "wsframe --help";

try {
  await main();
} catch (error) {
  if (error instanceof UsageError) complain(`${error.message} (see ${help})`);
  else if (error instanceof InputError) complain(error.message);
  else complain(error instanceof Error && error.stack ? error.stack : String(error));
}
