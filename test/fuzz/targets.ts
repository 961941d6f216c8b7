// All that can be fuzzed, by name. A target is loaded when it is used, so that a run covers the code of its targets alone.

import type { TargetSettings } from "./settings.ts";
import type { Target } from "./target.ts";

export interface TargetEntry {
  /** For --help. */
  readonly summary: string;
  /** Relative to this file, for what the target runs in the tests and in a bundle. */
  load(settings: TargetSettings): Promise<Target>;
}

export const TARGETS: Readonly<Record<string, TargetEntry>> = {
  frames: {
    summary: "FrameDecoder and FrameEncoder, both cores, against the reference decoder and ws",
    load: async (settings) => (await import("./frames/target.ts")).framesTarget(settings),
  },
  handshake: {
    summary: "heads, header fields and the negotiation of permessage-deflate, against a model, and in linear time",
    load: async () => (await import("./handshake/target.ts")).handshakeTarget,
  },
  peers: {
    summary: "other decoders against the reference decoder and the table of where they differ",
    load: async () => (await import("./peers/target.ts")).peersTarget,
  },
  deflate: {
    summary: "the core that compresses and inflates, against zlib, with budgets for time and memory",
    load: async (settings) => (await import("./deflate/target.ts")).deflateTarget(settings),
  },
  compression: {
    summary: "two Protocols with permessage-deflate in every configuration",
    load: async (settings) => (await import("./compression/target.ts")).compressionTarget(settings),
  },
  connection: {
    summary: "Connection of wsframe/node in a simulated world: its socket, its peer, its user and time",
    load: async () => (await import("./connection/target.ts")).connection,
  },
  protocol: {
    summary: "any calls on several Protocols, in one another too, against a model of a connection",
    load: async () => (await import("./protocol/target.ts")).protocolTarget,
  },
};
