// Makes heads and header fields, from nearly valid to badly broken.

import type { Random } from "../../support/random.ts";
import type { DeflateOptions, HandshakeCase, HeadLimits, TimeCase } from "./case.ts";
import { acceptOf } from "./model.ts";

const KEYS = ["dGhlIHNhbXBsZSBub25jZQ==", "AQIDBAUGBwgJCgsMDQ4PEC==", "x3JJHMbDL1EzLkh9GBhXDw=="];
const NAMES = ["chat", "soap", "v10.stomp", "mqtt", "graphql-transport-ws", "Chat", "a"];
/** Text that a parser may mistake for something else, to insert into heads. */
const PIECES = [
  "\r",
  "\n",
  "\r\n",
  "\r\n\r\n",
  " ",
  "\t",
  ":",
  ",",
  ";",
  "=",
  '"',
  "\\",
  "\0",
  "\x7f",
  "\x80",
  "\xff",
  "\xa0",
  "\x0b",
  "HTTP/1.1",
  "HTTP/1.0",
  "websocket",
  "upgrade",
  "13",
  ", ",
  "\r\n ",
  "0",
  "permessage-deflate",
  "client_max_window_bits",
  "server_max_window_bits=10",
  "Sec-WebSocket-Key: ",
  "Content-Length: 0\r\n",
  "Transfer-Encoding: chunked\r\n",
];

function casing(random: Random, name: string): string {
  if (random.chance(0.7)) return name;
  return random.chance(0.5) ? name.toLowerCase() : name.replaceAll(/[a-z]/g, (letter) => letter.toUpperCase());
}

function protocols(random: Random): string[] {
  if (random.chance(0.4)) return [];
  return [...new Set(Array.from({ length: random.integer(1, 4) }, () => random.pick(NAMES)))];
}

function bits(random: Random): string {
  return random.chance(0.85)
    ? String(random.integer(8, 15))
    : random.pick(["7", "16", "08", "0", "1", "100", "a", "+9"]);
}

function parameter(random: Random): string {
  const value = bits(random);
  const written = random.chance(0.85) ? value : random.pick([`"${value}"`, `"\\${value}"`, `"${value}`, `""`, " 10"]);
  switch (random.integer(0, 5)) {
    case 0:
      return `server_max_window_bits=${written}`;
    case 1:
      return `client_max_window_bits=${written}`;
    case 2:
      return "client_max_window_bits";
    case 3:
      return "server_no_context_takeover";
    case 4:
      return "client_no_context_takeover";
    default:
      return random.chance(0.2)
        ? random.pick(["x", "x=y", "server_no_context_takeover=1", "server_max_window_bits"])
        : "client_max_window_bits";
  }
}

function extensions(random: Random): string {
  const separators = random.chance(0.8)
    ? ["; ", ", "]
    : random.pick([
        [";", ","],
        [" ;\t", " , "],
        ["; ;", ",,"],
        ["", ""],
      ]);
  return Array.from({ length: random.integer(1, random.chance(0.1) ? 20 : 2) }, () => {
    const name = random.chance(0.9)
      ? "permessage-deflate"
      : random.pick(["x-webkit-deflate-frame", "bbf-usp-protocol", "", "a b"]);
    return [name, ...Array.from({ length: random.integer(0, 3) }, () => parameter(random))].join(separators[0]);
  }).join(separators[1]);
}

function deflateOptions(random: Random): DeflateOptions {
  const flag = () => random.pick([true, false, undefined]);
  const window = () => (random.chance(0.4) ? undefined : random.chance(0.2) ? false : random.integer(8, 15));
  const options = {
    serverNoContextTakeover: flag(),
    clientNoContextTakeover: flag(),
    serverMaxWindowBits: window(),
    clientMaxWindowBits: window(),
    fallback: random.chance(0.3) ? true : undefined,
  };
  // JSON drops undefined properties.
  return JSON.parse(JSON.stringify(options)) as DeflateOptions;
}

function maybeDeflate(random: Random): { deflate?: DeflateOptions } {
  const roll = random.next();
  return roll < 0.3 ? {} : roll < 0.5 ? { deflate: {} } : { deflate: deflateOptions(random) };
}

/** The fields in random order. Some are missing, repeated, or have another value. */
function head(random: Random, startLine: string, fields: [string, string][]): string {
  const lines = [...fields];
  const changes = random.chance(0.4) ? random.integer(1, 2) : 0;
  for (let i = 0; i < changes && lines.length > 0; i++) {
    const at = random.integer(0, lines.length - 1);
    const [name, value] = lines[at]!;
    const roll = random.next();
    if (roll < 0.3) lines.splice(at, 1);
    else if (roll < 0.5) lines.push([name, value]);
    else if (roll < 0.8) lines[at] = [name, spoiled(random, value)];
    else lines[at] = [spoiled(random, name), value];
  }
  if (random.chance(0.3)) lines.sort(() => random.next() - 0.5);
  const space = (): string => (random.chance(0.9) ? " " : random.pick(["", "  ", "\t", " \t "]));
  const text = lines.map(
    ([name, value]) => `${casing(random, name)}:${space()}${value}${random.chance(0.05) ? space() : ""}\r\n`,
  );
  let whole = `${startLine}\r\n${text.join("")}\r\n`;
  if (random.chance(0.03)) whole = `\r\n${whole}`;
  if (random.chance(0.1)) whole += random.pick(["\x81\x00", "GET / HTTP/1.1\r\n", "\r\n", "x".repeat(200)]);
  return random.chance(0.25) ? spoiled(random, whole) : whole;
}

/** Changes a few characters. */
export function spoiled(random: Random, text: string): string {
  let left = text;
  for (let changes = random.pick([1, 1, 1, 2, 4]); changes > 0; changes--) {
    const at = random.integer(0, left.length);
    const roll = random.next();
    if (roll < 0.4) left = left.slice(0, at) + random.pick(PIECES) + left.slice(at);
    else if (roll < 0.6) left = left.slice(0, at) + left.slice(at + random.integer(1, 3));
    else if (roll < 0.75) left = left.slice(0, at) + String.fromCharCode(random.integer(0, 255)) + left.slice(at + 1);
    else if (roll < 0.85) left = left.slice(0, at);
    else left = left.slice(0, at) + left.slice(random.integer(0, at), at) + left.slice(at);
  }
  return left;
}

function limits(random: Random): HeadLimits {
  if (random.chance(0.8)) return {};
  return {
    ...(random.chance(0.6) && { maxHeadSize: random.pick([0, 1, 2, 20, 150, 300, 400]) }),
    ...(random.chance(0.6) && { maxHeaderFields: random.integer(0, 8) }),
  };
}

function cutting(random: Random, length: number): { cuts: number[]; everywhere: boolean } {
  return { cuts: cuts(random, length), everywhere: random.chance(0.03) };
}

function cuts(random: Random, length: number): number[] {
  return [...new Set(Array.from({ length: random.integer(0, 5) }, () => random.integer(0, length)))].sort(
    (a, b) => a - b,
  );
}

function makeRequest(random: Random): HandshakeCase {
  const method = random.chance(0.95) ? "GET" : random.pick(["POST", "get", "CONNECT", "G T", ""]);
  const target = random.chance(0.8)
    ? random.pick(["/", "/chat?x=1", "/a/b;c"])
    : random.pick([
        "*",
        "a",
        "http://h/x",
        "ws://h",
        "WSS://h/?",
        "/#",
        "ftp://h/",
        "//h",
        "http:/h",
        "https:",
        "wsss://h",
      ]);
  const version = random.chance(0.95)
    ? "HTTP/1.1"
    : random.pick(["HTTP/1.0", "HTTP/2.0", "HTTP/1.2", "HTTP/0.9", "http/1.1", "HTTP/1.10"]);
  const fields: [string, string][] = [
    ["Host", random.chance(0.95) ? "example.com:8080" : random.pick(["", "a b", "a/b", "u@h", "[::1]", "h\xe9"])],
    [
      "Upgrade",
      random.chance(0.95)
        ? "websocket"
        : random.pick(["WebSocket", "h2c, websocket", "websocket/1", "websoc\u212aet".replace("\u212a", "K")]),
    ],
    [
      "Connection",
      random.chance(0.9) ? "Upgrade" : random.pick(["keep-alive, Upgrade", "upgrade", "close", ", ,upgrade,"]),
    ],
    [
      "Sec-WebSocket-Key",
      random.chance(0.95)
        ? random.pick(KEYS)
        : random.pick(["", "abc", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZ==="]),
    ],
    ["Sec-WebSocket-Version", random.chance(0.95) ? "13" : random.pick(["8", "13, 8", "013", "13 "])],
  ];
  if (random.chance(0.4)) fields.push(["Origin", random.pick(["https://example.com", "null", ""])]);
  if (random.chance(0.5))
    fields.push(["Sec-WebSocket-Protocol", protocols(random).join(random.pick([", ", ",", " ,\t"]))]);
  if (random.chance(0.6)) fields.push(["Sec-WebSocket-Extensions", extensions(random)]);
  if (random.chance(0.1)) fields.push(["Content-Length", random.pick(["0", "1", "00", ""])]);
  const text = head(random, `${method} ${target} ${version}`, fields);
  return {
    kind: "request",
    text,
    ...cutting(random, text.length),
    limits: limits(random),
    protocols: protocols(random),
    ...maybeDeflate(random),
  };
}

function makeResponse(random: Random): HandshakeCase {
  const key = random.pick(KEYS);
  const offered = protocols(random);
  const status = random.chance(0.9)
    ? "101 Switching Protocols"
    : random.pick(["101", "101 ", "200 OK", "401 No", "302 Found", "100 Continue", "1010", "099 x", "10 x"]);
  const fields: [string, string][] = [
    ["Upgrade", random.chance(0.95) ? "websocket" : random.pick(["WebSocket", "websocket, h2c", ""])],
    ["Connection", random.chance(0.95) ? "Upgrade" : random.pick(["close", "keep-alive, upgrade"])],
    ["Sec-WebSocket-Accept", random.chance(0.95) ? acceptOf(key) : acceptOf(random.pick(KEYS))],
  ];
  if (random.chance(0.4)) fields.push(["Sec-WebSocket-Protocol", random.pick([...offered, "other", "a, b"])]);
  if (random.chance(0.5)) fields.push(["Sec-WebSocket-Extensions", extensions(random)]);
  if (random.chance(0.1)) fields.push(["Location", "/elsewhere"]);
  const interim = random.chance(0.1) ? "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" : "";
  const text = interim + head(random, `HTTP/1.1 ${status}`, fields);
  return {
    kind: "response",
    text,
    ...cutting(random, text.length),
    limits: limits(random),
    key,
    protocols: offered,
    ...maybeDeflate(random),
  };
}

function makeTime(random: Random): TimeCase {
  const where = random.pick([
    "head",
    "status",
    "field",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Protocol",
    "Connection",
  ] as const);
  const piece = (): string =>
    random.chance(0.5) ? random.pick(PIECES) : random.pick(["a", "x=y", "; a", ", b", '"c', "\\d", "x: y\r\n", " a"]);
  const pieces = (most: number): string => Array.from({ length: random.integer(0, most) }, piece).join("");
  return { kind: "time", where, before: pieces(3), repeated: `${piece()}${pieces(2)}`, after: pieces(2) };
}

export function makeHandshakeCase(random: Random): HandshakeCase {
  const roll = random.next();
  if (roll < 0.45) return makeRequest(random);
  if (roll < 0.75) return makeResponse(random);
  if (roll < 0.88) {
    return {
      kind: "pair",
      client: { protocols: protocols(random), ...maybeDeflate(random) },
      server: { protocols: protocols(random), ...maybeDeflate(random) },
    };
  }
  if (roll < 0.998)
    return { kind: "value", value: random.chance(0.5) ? extensions(random) : spoiled(random, extensions(random)) };
  return makeTime(random);
}

export function changedHandshake(one: HandshakeCase, random: Random): HandshakeCase {
  if (one.kind === "value") return { ...one, value: spoiled(random, one.value) };
  if (one.kind !== "request" && one.kind !== "response") return makeHandshakeCase(random);
  const text = spoiled(random, one.text).slice(0, 40_000);
  return { ...one, text, ...cutting(random, text.length), limits: random.chance(0.7) ? one.limits : limits(random) };
}
