// `wsframe load`: a run, what is seen of it on a terminal, and its exit code.

import { load, type LoadProgress, type LoadReport } from "wsframe/load";
import type { Io, Print } from "./io.ts";
import type { LoadCommand } from "./load-options.ts";
import { readMessages } from "./load-messages.ts";
import { progressLine, reportLines } from "./load-summary.ts";
import { UsageError } from "./options.ts";
import { makeStyle } from "./style.ts";

const EXIT_ERRORS = 1;
const EXIT_NO_CONNECTION = 2;
/** As shells have it for a program that SIGINT has ended. */
const EXIT_INTERRUPTED = 130;
/** Of a terminal that does not say how wide it is. */
const DEFAULT_WIDTH = 80;
/** To the first column, and away with what was there. */
const REWRITE = "\r\x1b[K";

/**
 * @returns the exit code
 * @throws UsageError
 * @throws InputError for a file of messages that cannot be read
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
    // What load() says of its arguments.
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

/** What load() says of its options, in the names and units of the command line. */
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
