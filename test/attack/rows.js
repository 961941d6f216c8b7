// The table of attacks, their victims and their budgets.

import { DEFLATE } from "./frames.js";

const BOTH = { ours: ["wsframe", "wsframe/ws"] };
const MIB = 1048576;

function row(name, title, attack, { old = [], current = true, ours = ["wsframe"], budget = {}, ...rest } = {}) {
  return {
    name,
    title,
    attack,
    role: "server",
    subjects: [...ours, ...(current ? ["ws"] : []), ...old],
    connections: 1,
    behaviour: "echo",
    options: {},
    lines: [],
    ...rest,
    budget: { sent: Infinity, rss: 64 * MIB, external: 32 * MIB, cpu: 4, delay: 10, ...budget },
  };
}

const deflate = { options: { deflate: true }, lines: [DEFLATE] };
const client = { role: "client", behaviour: "echo" };
const clientDeflate = {
  ...client,
  options: { deflate: true },
  lines: ["Sec-WebSocket-Extensions: permessage-deflate"],
};
const http2 = { ours: ["wsframe"], current: false, options: { tls: true, handshakeTimeout: 2000 } };
const inflating = { budget: { rss: 320 * MIB, external: 256 * MIB, cpu: 200, delay: 10 } };

/** @type {readonly import("./rows.d.ts").Row[]} */
export const rows = [
  row("empty-fragments", "a million empty fragments", "emptyFragments", { old: ["ws-8.20.1"] }),
  row("byte-fragments", "a million fragments of one byte", "byteFragments", { ...BOTH, old: ["ws-8.20.1"] }),
  row("open-fragments", "16,000 fragments of one byte on each of 200 connections", "belowTheLimit", {
    connections: 200,
    budget: { cpu: 6, delay: 30 },
  }),
  row("trickle", "4,000 connections announce 100 MiB and send it slowly", "trickle", {
    connections: 4000,
    budget: { rss: 160 * MIB, external: 64 * MIB },
  }),
  row("announce", "2,000 connections announce 100 MiB and send 60 KiB", "announce", {
    ...BOTH,
    connections: 2000,
    budget: { rss: 400 * MIB, external: 320 * MIB },
  }),
  row("one-byte-writes", "a message in writes of one byte", "oneByteWrites", { budget: { cpu: 60 } }),
  row("pings", "Pings from a peer that does not read the Pongs", "pings", { ...BOTH, old: ["ws-8.20.1"] }),
  row("half-handshakes", "5,000 half requests", "halfHandshakes", {
    options: { handshakeTimeout: 2000 },
    connections: 5000,
    budget: { rss: 160 * MIB },
  }),
  row("endless-head", "heads with one endless field", "endlessHead"),
  row("huge-head", "heads with endlessly many fields", "hugeHead"),
  row("many-fields", "more fields than Node keeps (CVE-2024-37890)", "manyFields", { ...BOTH, old: ["ws-8.17.0"] }),
  row("subprotocols", "spaces between subprotocols (CVE-2021-32640)", "subprotocols", {
    ...BOTH,
    old: ["ws-7.4.5"],
    budget: { cpu: 8 },
  }),
  row("extensions", "escapes in an extension parameter", "extensions", deflate),
  row("extension-offers", "hundreds of offers of permessage-deflate", "manyOffers", deflate),
  row("prototype", "an extension named constructor", "prototype", { ...BOTH, ...deflate, old: ["ws-3.3.0"] }),
  row("huge-close", "a Close of 2 GiB", "hugeClose", { connections: 20, old: ["ws-1.0.0"] }),
  row("overflow", "a length of 2^64 - 1", "overflow", { ...BOTH, connections: 20, old: ["ws-1.0.0"] }),
  row("bomb", "110 MiB of zeros, compressed", "bomb", { ...BOTH, ...deflate, ...inflating }),
  row("bomb-fragments", "the same in 100 fragments", "bombFragments", { ...deflate, ...inflating }),
  row("open-bombs", "20 messages inflate 16 KiB to 16 MiB and do not end", "openBombs", {
    ...deflate,
    connections: 20,
    budget: { rss: 800 * MIB, external: 704 * MIB, cpu: 40 },
  }),
  row("unread-bombs", "50 messages of 12 MiB on each of 4 connections without a listener", "bombsInARow", {
    ...deflate,
    connections: 4,
    behaviour: "unread",
    budget: { rss: 256 * MIB, external: 192 * MIB, cpu: 20 },
  }),
  row("final-blocks", "500,000 final blocks in one message", "finalBlocks", deflate),
  row("never-read", "50 connections send 10 MiB each and read no echo", "neverRead", {
    connections: 50,
    budget: { rss: 320 * MIB, external: 256 * MIB },
  }),
  row("tiny-requests", "20 connections request 64 KiB 500 times and read nothing", "tinyRequests", {
    connections: 20,
    behaviour: "large",
    ours: ["wsframe"],
    budget: { rss: 192 * MIB, external: 96 * MIB, cpu: 30, delay: 20 },
  }),
  row("stalled-readers", "a broadcast of 16 MiB to 50 connections that do not read", "stalled", {
    connections: 50,
    behaviour: "broadcast",
    ours: ["wsframe"],
    options: { maxBufferedAmount: MIB, overflow: "drop" },
    budget: { rss: 192 * MIB, cpu: 60 },
  }),
  row("h2-connects", "HTTP/2: 5,000 CONNECT in one session", "connects", { ...http2, budget: { cpu: 30, delay: 20 } }),
  row("h2-rapid-reset", "HTTP/2: 5,000 CONNECT, each reset immediately", "rapidReset", {
    ...http2,
    budget: { cpu: 60, delay: 40 },
  }),
  row("h2-pings", "HTTP/2: 500,000 PING", "pings2", http2),
  row("h2-settings", "HTTP/2: 500,000 SETTINGS", "settings2", http2),
  row("h2-window-updates", "HTTP/2: 500,000 WINDOW_UPDATE", "windowUpdates", http2),
  row("h2-continuations", "HTTP/2: a head of 10,000 CONTINUATION", "continuations", http2),
  row("h2-silent-sessions", "HTTP/2: 500 sessions without a stream", "silentSessions", {
    ...http2,
    connections: 500,
    budget: { rss: 160 * MIB, cpu: 20 },
  }),
  row("h2-silent-streams", "HTTP/2: 5,000 silent streams", "silentStreams", {
    ...http2,
    budget: { rss: 256 * MIB, cpu: 120, delay: 40 },
  }),
  row("client-fragments", "client: a million empty fragments", "emptyFragments", {
    ...BOTH,
    ...client,
    old: ["ws-8.20.1"],
  }),
  row("client-announce", "client: 500 servers announce 100 MiB and send 60 KiB", "announce", {
    ...client,
    connections: 500,
    budget: { rss: 192 * MIB, external: 160 * MIB, cpu: 8 },
  }),
  row("client-pings", "client: Pings whose Pongs are not read", "pings", { ...client, old: ["ws-8.20.1"] }),
  row("client-bomb", "client: 110 MiB of zeros, compressed", "bomb", { ...clientDeflate, ...inflating }),
  row("client-final-blocks", "client: 500,000 final blocks in one message", "finalBlocks", clientDeflate),
  row("client-overflow", "client: a length of 2^64 - 1", "overflow", client),
  row("client-endless-answer", "client: an answer with an endless head", "endlessAnswer", client),
  row("client-endless-body", "client: a refusal with an endless body", "endlessBody", client),
  row("client-silence", "client: a silent server", "silentServer", {
    ...client,
    connections: 500,
    options: { handshakeTimeout: 2000 },
    budget: { cpu: 8 },
  }),
  row("client-window-bits", "client: invalid window bits (CVE-2026-2229 of undici)", "windowBits", clientDeflate),
];
