// The ways to run Socket.IO and Engine.IO on wsframe.

import { inject } from "vitest";
import { implementation } from "./installed.ts";
import type { RunOptions } from "./support.ts";

export interface Way {
  readonly name: string;
  readonly options?: RunOptions;
  /** The last argument of the programs: the folder of wsframe/ws for `wsEngine`. Their clients use ws then. */
  readonly folder: readonly string[];
}

/** With the override, servers and clients are ours. With `wsEngine`, only the server is. */
export const ways: readonly Way[] =
  implementation === "ws"
    ? [{ name: "ws", folder: [] }]
    : [
        { name: "wsframe-ws", folder: [] },
        { name: "wsframe/ws as wsEngine", options: { ws: "ws" }, folder: [inject("packed").folder] },
      ];
