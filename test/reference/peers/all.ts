// All peers and all streams.

import { readCaptures } from "../../support/captures.ts";
import { type Arrival, arrivals } from "./check.ts";
import { type Case, long, random, systematic } from "./corpus.ts";
import type { Peer } from "./peer.ts";
import { undici } from "./undici.ts";
import { websocketDriver } from "./websocket-driver.ts";
import { websocketNode } from "./websocket-node.ts";
import { ws } from "./ws.ts";
import { frameDecoder, portableFrameDecoder, protocol } from "./wsframe.ts";

export const OURS: readonly Peer[] = [frameDecoder, portableFrameDecoder, protocol];

/** The other libraries that run in this process. */
export const OTHERS: readonly Peer[] = [ws, undici, websocketDriver, websocketNode];

/** The recorded connections without an extension, in their original chunks. */
export function captured(): Arrival[] {
  return readCaptures()
    .filter(({ deflate }) => !deflate)
    .flatMap(({ name, directions }) =>
      directions.map(({ role, stream, chunks }) => {
        const one: Case = { rule: "captures", role, name, stream };
        return { one, way: "as recorded", input: { role, chunks } };
      }),
    );
}

/** All arrivals. `streams` is the number of random streams. */
export function everything(seed: number, streams: number): Arrival[] {
  return [...arrivals([...systematic(), ...long(), ...random(seed, streams)]), ...captured()];
}
