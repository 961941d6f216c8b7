// All targets by name. A target is loaded on use, so that a run covers only the code of its own targets.

import type { TargetSettings } from "./settings.ts";
import type { Target } from "./target.ts";

export interface TargetEntry {
  /** The description that --help prints. */
  readonly summary: string;
  /** The path is relative to this file, so it works both in the tests and in a bundle. */
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
    summary: "Connection of wsframe/node with a simulated socket, peer, user and clock",
    load: async () => (await import("./connection/target.ts")).connection,
  },
  protocol: {
    summary: "any calls on several Protocols, also nested, against a model of a connection",
    load: async () => (await import("./protocol/target.ts")).protocolTarget,
  },
};
