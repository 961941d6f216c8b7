// "wsframe/load": a load generator.

import { type LoadOptions, readLoadOptions } from "./options.ts";
import type { LoadReport } from "./report.ts";
import { Run } from "./run.ts";

export type { LoadOptions } from "./options.ts";
export type { LoadError, LoadLatency, LoadProgress, LoadReport } from "./report.ts";

/**
 * Generates load for a WebSocket server and measures it. Opens the connections, sends messages at `rate` or as fast as the
 * answers arrive, compares each answer with the message that was sent (see `answers`), and counts. Node.js only.
 *
 * The run ends by itself after `warmUp` and `duration`. It then waits up to `answerTimeout` for the last answers, and up to
 * `closeTimeout` for the closing handshakes. It ends early if no connection is left. Faults of the server and of connections
 * do not reject the promise: they are in the report.
 *
 * @param url a ws: or wss: URL; http: and https: mean the same. Credentials in it are sent as Basic authorization
 * @throws TypeError if an option is unknown or has the wrong type, or if createRequest() refuses the URL, subprotocols or
 *   header fields
 * @throws RangeError if an option is out of range
 * @throws the reason of `signal`, if it is already aborted
 */
export async function load(url: string | URL, options: LoadOptions = {}): Promise<LoadReport> {
  const settings = readLoadOptions(options);
  settings.signal?.throwIfAborted();
  return new Run(url, settings).start();
}
