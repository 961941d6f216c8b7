// Runs a test in every way that a connection can be set up.

import { describe, test, vi } from "vitest";
import type { Role } from "../../../src/index.ts";
import type { Connection } from "../../../src/node/index.ts";
import type { WebSocketStreamPair } from "../../../src/streams/index.ts";
import type { Peer } from "./peer.ts";
import { type Consumer, NodeSubject, type Sender, StreamsSubject, type Subject } from "./subject.ts";
import {
  http2,
  type Options,
  streamsInMemory,
  streamsOverFullTcp,
  streamsOverTcp,
  tcp,
  tls,
  type Transport,
} from "./transports.ts";

/** How many tests run at a time. They mostly wait for timers and sockets. */
vi.setConfig({ maxConcurrency: 24, testTimeout: 20_000 });

export interface Opened<S extends Subject> {
  readonly subject: S;
  readonly peer: Peer;
}

export interface OpenOptions<S extends Subject> {
  readonly options?: Options;
  /** Frames that the peer writes in the same chunk as its part of the handshake. */
  readonly first?: Uint8Array;
  /** Called in the turn in which the connection is made. */
  readonly begin?: (subject: S) => void;
}

export type Open<S extends Subject> = (options?: OpenOptions<S>) => Promise<Opened<S>>;

/** One way to set up a connection. */
export interface Way<S extends Subject> {
  readonly name: string;
  readonly role: Role;
  readonly transport: string;
  /** See Transport. */
  readonly hidesEnd: boolean;
  readonly highWaterMark: number;
  readonly consumer: Consumer;
  readonly sender: Sender;
  readonly open: (options: OpenOptions<S>, atEnd: (end: () => void) => void) => Promise<Opened<S>>;
}

/** The dimensions that a test goes through. Omitted ones have their first value. */
export interface Dimensions {
  readonly roles?: readonly Role[];
  readonly marks?: readonly number[];
  readonly consumers?: readonly Consumer[];
  readonly senders?: readonly Sender[];
  readonly streams?: readonly Transport<WebSocketStreamPair>[];
  /** Whether to test also with only direct reads, and with only direct writes. */
  readonly halves?: boolean;
}

export const ROLES: readonly Role[] = ["server", "client"];
export const MARKS: readonly number[] = [1 << 20, 1024, 0];
export const CONSUMERS: readonly Consumer[] = ["listener", "for await"];
export const SENDERS: readonly Sender[] = ["whole", "pieces"];

interface NodeWay {
  readonly name: string;
  readonly transport: Transport<Connection>;
  readonly directReads: boolean;
  readonly directWrites: boolean;
  readonly isHalf?: true;
}

const DIRECT = { directReads: true, directWrites: true };
const INDIRECT = { directReads: false, directWrites: false };

const NODE: readonly NodeWay[] = [
  { name: "tcp direct", transport: tcp, ...DIRECT },
  { name: "tcp indirect", transport: tcp, ...INDIRECT },
  { name: "tcp direct reads", transport: tcp, ...DIRECT, directWrites: false, isHalf: true },
  { name: "tcp direct writes", transport: tcp, ...DIRECT, directReads: false, isHalf: true },
  { name: "tls direct", transport: tls, ...DIRECT },
  { name: "tls indirect", transport: tls, ...INDIRECT },
  // Its streams are not sockets.
  { name: "http2", transport: http2, ...DIRECT },
];

const STREAMS: readonly Transport<WebSocketStreamPair>[] = [streamsOverTcp, streamsInMemory];
/** For tests of how a connection ends. */
export const STREAMS_THAT_END: readonly Transport<WebSocketStreamPair>[] = [...STREAMS, streamsOverFullTcp];

function named(mark: number): string {
  return mark === 0 ? "mark 0" : mark < 1 << 20 ? `mark ${mark >> 10} KiB` : `mark ${mark >> 20} MiB`;
}

/** The ways of wsframe/node. */
export function nodeWays(dimensions: Dimensions): Way<NodeSubject>[] {
  const { roles = ROLES, marks = [1 << 20], consumers = ["listener"], senders = ["whole"] } = dimensions;
  const kinds = NODE.filter(({ isHalf }) => dimensions.halves || !isHalf);
  const ways: Way<NodeSubject>[] = [];
  for (const { name: kind, transport, directReads, directWrites } of kinds)
    for (const role of roles)
      for (const highWaterMark of marks)
        for (const consumer of consumers)
          for (const sender of senders) {
            const name = [kind, role, named(highWaterMark), consumer, sender].join(", ");
            const open: Way<NodeSubject>["open"] = async ({ options = {}, first, begin }, atEnd) => {
              let subject!: NodeSubject;
              const { peer, discard } = await transport.open({
                role,
                options: { highWaterMark, directReads, directWrites, ...options },
                first: first ?? new Uint8Array(0),
                begin: (connection) => {
                  subject = new NodeSubject(connection, consumer, sender);
                  begin?.(subject);
                },
              });
              atEnd(() => {
                subject.discard();
                discard();
              });
              return { subject, peer };
            };
            ways.push({
              name,
              role,
              transport: transport.name,
              hidesEnd: false,
              highWaterMark,
              consumer,
              sender,
              open,
            });
          }
  return ways;
}

/** The ways of wsframe/streams, which only has loops and whole messages. */
export function streamsWays(dimensions: Dimensions): Way<StreamsSubject>[] {
  const { roles = ROLES, marks = [1 << 20], streams = STREAMS } = dimensions;
  const ways: Way<StreamsSubject>[] = [];
  for (const transport of streams)
    for (const role of roles)
      for (const highWaterMark of marks) {
        const open: Way<StreamsSubject>["open"] = async ({ options = {}, first, begin }, atEnd) => {
          let subject!: StreamsSubject;
          const { peer, discard } = await transport.open({
            role,
            options: { highWaterMark, ...options },
            first: first ?? new Uint8Array(0),
            begin: (pair) => {
              subject = new StreamsSubject(pair);
              begin?.(subject);
            },
          });
          atEnd(discard);
          return { subject, peer };
        };
        const name = [transport.name, role, named(highWaterMark)].join(", ");
        const rest = { consumer: "for await", sender: "whole" } as const;
        const { hidesEnd = false } = transport;
        ways.push({ name, role, transport: transport.name, hidesEnd, highWaterMark, ...rest, open });
      }
  return ways;
}

/** All ways. */
export function allWays(dimensions: Dimensions): Way<Subject>[] {
  return [...nodeWays(dimensions).map(general), ...streamsWays(dimensions).map(general)];
}

/** The way with the general type of subject. */
function general<S extends Subject>(way: Way<S>): Way<Subject> {
  return {
    ...way,
    open: ({ begin, ...options }, atEnd) => way.open({ ...options, ...(begin && { begin }) }, atEnd),
  };
}

/** Runs the same test in each of these ways, many at a time. */
export function each<S extends Subject>(
  name: string,
  ways: readonly Way<S>[],
  body: (open: Open<S>, way: Way<S>) => Promise<void>,
): void {
  describe.concurrent(name, () => {
    for (const way of ways) {
      test(way.name, async ({ onTestFinished }) => {
        const ends: (() => void)[] = [];
        onTestFinished(() => {
          for (const end of ends.toReversed()) end();
        });
        await body((options = {}) => way.open(options, (end) => ends.push(end)), way);
      });
    }
  });
}
