// `wsframe load`: runs load(), shows progress on a terminal, and prints the report.

import { load, type LoadProgress, type LoadReport } from "wsframe/load";
import type { Io, Print } from "./io.ts";
import type { LoadCommand } from "./load-options.ts";
import { readMessages } from "./load-messages.ts";
import { progressLine, reportLines } from "./load-summary.ts";
import { UsageError } from "./options.ts";
import { makeStyle } from "./style.ts";

const EXIT_ERRORS = 1;
const EXIT_NO_CONNECTION = 2;
/** The exit code that shells report for a program ended by SIGINT. */
const EXIT_INTERRUPTED = 130;
/** Width of a terminal that does not report its width, in columns. */
const DEFAULT_WIDTH = 80;
/** Moves to the first column and clears the line. */
const REWRITE = "\r\x1b[K";

/**
 * @returns the exit code
 * @throws UsageError
 * @throws InputError if a file with messages cannot be read
 */
export async function loadServer(command: LoadCommand, { stdin, stdout, stderr }: Io, print: Print): Promise<number> {
  const options = { ...command.options, messages: await readMessages(command, stdin) };
  const style = makeStyle(command.color ?? (stdout.isTTY === true && !process.env["NO_COLOR"]));
  const controller = new AbortController();
  const interrupt = (): void => {
    if (controller.signal.aborted) process.exit(EXIT_INTERRUPTED);
    controller.abort();
  };
  const onProgress = stderr.isTTY
    ? (progress: LoadProgress): void => {
        const width = (stderr.columns || DEFAULT_WIDTH) - 1;
        stderr.write(REWRITE + progressLine(progress, options).slice(0, width));
      }
    : undefined;
  process.on("SIGINT", interrupt);
  process.on("SIGTERM", interrupt);
  let report: LoadReport;
  try {
    report = await load(command.url, { ...options, signal: controller.signal, onProgress });
  } catch (error) {
    // load() has refused its arguments.
    if (error instanceof TypeError || error instanceof RangeError) throw new UsageError(asOptions(error.message));
    throw error;
  } finally {
    process.off("SIGINT", interrupt);
    process.off("SIGTERM", interrupt);
    if (onProgress) stderr.write(REWRITE);
  }
  await print(command.json ? `${JSON.stringify(report)}\n` : reportLines(report, style));
  if (report.connections.opened === 0) return EXIT_NO_CONNECTION;
  return report.ok ? 0 : EXIT_ERRORS;
}

/** Translates a message of load() into the option names and units of the command line. */
function asOptions(message: string): string {
  return message
    .replace(/^(connections|size|answers|inFlight|rate|duration|warmUp|(handshake|answer|close)Timeout)\b/, (name) => {
      return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    })
    .replace(
      / milliseconds from (\d+) to (\d+)$/,
      (_, least, most) => ` seconds from ${least / 1000} to ${most / 1000}`,
    );
}
