// "wsframe/load": a load generator.

import { type LoadOptions, readLoadOptions } from "./options.ts";
import type { LoadReport } from "./report.ts";
import { Run } from "./run.ts";

export type { LoadOptions } from "./options.ts";
export type { LoadError, LoadLatency, LoadProgress, LoadReport } from "./report.ts";

/**
 * Puts load on a server that answers each message with the same: opens connections, sends as many messages as they take or as
 * `rate` says, compares every answer with what was sent, and counts. Node.js only.
 *
 * It ends by itself: when the time is up, `timeout` is left for the answers that are missing, and once more for closing. What
 * goes wrong with the server or a connection is in the report; with no connection left, the run ends early.
 *
 * @throws TypeError for a URL, subprotocols or header fields that createRequest() does not take
 * @throws RangeError for options out of range
 * @throws the signal's reason, if it has been aborted before
 */
export async function load(url: string | URL, options: LoadOptions = {}): Promise<LoadReport> {
  const settings = readLoadOptions(options);
  settings.signal?.throwIfAborted();
  return new Run(url, settings).start();
}
