// Connects one of our ends to one of a peer's, in every combination.

import type { Extension } from "../../../src/index.ts";
import type { End } from "./end.ts";
import { dial, type OurEnd, type OurOptions, serve } from "./ours.ts";
import { CLIENTS, SERVERS, type TheirOptions } from "./theirs.ts";

export interface PairOptions extends OurOptions {
  /** The subprotocols of both sides, in the order of the server. The client offers them in reverse. */
  readonly protocols?: readonly string[];
  /** The extensions of our side. */
  readonly extensions?: readonly Extension[];
  readonly theirs?: TheirOptions;
  /** Our server: let node:http parse the request. */
  readonly http?: boolean;
}

export interface Pair {
  readonly name: string;
  readonly peer: string;
  /** Whether our end is the server. */
  readonly weServe: boolean;
  open(options?: PairOptions): Promise<{ ours: OurEnd; theirs: End }>;
}

const ourServers: Pair[] = Object.entries(CLIENTS).map(([peer, connect]) => ({
  name: `our server, client ${peer}`,
  peer,
  weServe: true,
  async open({ protocols = [], extensions, theirs, ...options } = {}) {
    const { url, connections } = await serve({ ...options, accept: { protocols, extensions } });
    const client = await connect(url, { protocols: protocols.toReversed(), ...theirs });
    return { ours: await connections.next(), theirs: client };
  },
}));

const ourClients: Pair[] = Object.entries(SERVERS).map(([peer, listen]) => ({
  name: `our client, server ${peer}`,
  peer,
  weServe: false,
  async open({ protocols = [], extensions, theirs, ...options } = {}) {
    const { url, connections } = await listen({ protocols, ...theirs });
    const client = await dial(url, { ...options, request: { protocols: protocols.toReversed(), extensions } });
    return { ours: client, theirs: await connections.next() };
  },
}));

export const PAIRS: readonly Pair[] = [...ourServers, ...ourClients];
