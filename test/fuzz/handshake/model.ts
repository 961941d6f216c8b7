// A model of the opening handshake in regular expressions, written from the RFCs. It says what the package must find in
// a head, and which rules a request or a response breaks. It shares no code with src/.

import { createHash } from "node:crypto";

const TOKEN = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+";
const W = "[ \\t]*";
const EXTENSION = `${TOKEN}${W}(?:;${W}${TOKEN}${W}(?:=${W}(?:${TOKEN}|"(?:[^"\\\\]|\\\\[^])*")${W})?)*`;
const LIST = new RegExp(`^${W}(?:${EXTENSION})?(?:,${W}(?:${EXTENSION})?)*$`);
const ONE = new RegExp(EXTENSION, "g");
const PARAMETER = new RegExp(`;${W}(${TOKEN})${W}(?:=${W}(?:(${TOKEN})|"((?:[^"\\\\]|\\\\[^])*)"))?`, "g");
const IS_TOKEN = new RegExp(`^${TOKEN}$`);
const REQUEST_LINE = new RegExp(`^(${TOKEN}) ([\\x21-\\x7e]+) HTTP/(\\d\\.\\d)$`);
const STATUS_LINE = /^HTTP\/(\d\.\d) ([1-9]\d\d)(?: ([^]*))?$/;
const FIELD = new RegExp(`^(${TOKEN}):([^]*)$`);
const CHARACTERS = /[\t\x20-\x7e\x80-\xff]*/y;
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

export type ModelParameters = readonly (readonly [name: string, value: string | true])[];

export interface ModelExtension {
  readonly name: string;
  readonly parameters: ModelParameters;
}

/** Sec-WebSocket-Extensions (RFC 6455 §9.1), or undefined if the value is malformed. */
export function modelExtensions(value: string): ModelExtension[] | undefined {
  if (!LIST.test(value)) return undefined;
  const all: ModelExtension[] = [];
  for (const [text] of value.matchAll(ONE)) {
    const [name = ""] = new RegExp(`^${TOKEN}`).exec(text) ?? [];
    const parameters: [string, string | true][] = [];
    for (const [, key, plain, quoted] of text.matchAll(PARAMETER)) {
      const content = quoted?.replaceAll(/\\([^])/g, "$1") ?? plain;
      if (content !== undefined && !IS_TOKEN.test(content)) return undefined;
      parameters.push([key!, content ?? true]);
    }
    all.push({ name, parameters });
  }
  return all.length > 0 ? all : undefined;
}

export interface Limits {
  readonly maxHeadSize: number;
  readonly maxHeaderFields: number;
}

/** The result of parsing bytes. */
export type ModelHead =
  | {
      readonly start: readonly string[];
      readonly headers: readonly (readonly [string, string])[];
      readonly length: number;
    }
  | { readonly error: string }
  | undefined;

/** @param text the bytes as latin1 @returns undefined if the head is incomplete */
export function modelHead(text: string, isRequest: boolean, limits: Limits): ModelHead {
  let start: readonly string[] | undefined;
  let headers: (readonly [string, string])[] = [];
  let fields = 0;
  let at = 0;
  /** An error that the byte at an offset causes, unless the size limit applies first. */
  const error = (code: string, offset: number): ModelHead => ({
    error: offset >= limits.maxHeadSize ? "WS_ERR_HANDSHAKE_HEAD_TOO_LARGE" : code,
  });
  for (;;) {
    CHARACTERS.lastIndex = at;
    const [line = ""] = CHARACTERS.exec(text) ?? [];
    const end = at + line.length;
    const isWhole = text.startsWith("\r\n", end);
    if (!isWhole) {
      const rest = text.slice(end, end + 2);
      const wrongAt = rest === "" || rest === "\r" ? undefined : rest[0] === "\r" ? end + 1 : end;
      const code = start === undefined ? "WS_ERR_HANDSHAKE_START_LINE" : "WS_ERR_HANDSHAKE_HEADER";
      if (wrongAt !== undefined) return error(code, wrongAt);
      return text.length > limits.maxHeadSize ? { error: "WS_ERR_HANDSHAKE_HEAD_TOO_LARGE" } : undefined;
    }
    at = end + 2;
    const lf = at - 1;
    if (lf >= limits.maxHeadSize) return error("", lf);
    if (start === undefined) {
      if (line === "" && isRequest && at === 2) continue;
      const found = (isRequest ? REQUEST_LINE : STATUS_LINE).exec(line);
      if (found === null) return error("WS_ERR_HANDSHAKE_START_LINE", lf);
      start = found.slice(1).map((part) => part ?? "");
    } else if (line === "") {
      const isInterim = !isRequest && start[1]!.startsWith("1") && start[1] !== "101";
      if (!isInterim) return { start, headers, length: at };
      start = undefined;
      headers = [];
    } else {
      if (++fields > limits.maxHeaderFields) return { error: "WS_ERR_HANDSHAKE_HEAD_TOO_LARGE" };
      const found = FIELD.exec(line);
      if (found === null) return error("WS_ERR_HANDSHAKE_HEADER", lf);
      headers.push([found[1]!, trimmed(found[2]!)]);
    }
  }
}

function trimmed(value: string): string {
  return value
    .replace(/^[ \t]+/, "")
    .replace(/(?<![ \t])[ \t]+$/, "")
    .replace(/^[ \t]+$/, "");
}

type Headers = readonly (readonly [string, string])[];

const valuesOf = (headers: Headers, name: string): string[] =>
  headers.filter(([each]) => each.toLowerCase() === name).map(([, value]) => value);
const listOf = (headers: Headers, name: string): string[] =>
  valuesOf(headers, name)
    .flatMap((value) => value.split(","))
    .map(trimmed)
    .filter((member) => member !== "");
const lists = (headers: Headers, name: string, token: string): boolean =>
  // toLowerCase() alone would turn a Kelvin sign into a k.
  listOf(headers, name).some((member) => IS_TOKEN.test(member) && member.toLowerCase() === token);

/** The subprotocols of all fields: undefined if they are malformed, empty if there are no fields. */
function subprotocols(headers: Headers): string[] | undefined {
  const values = valuesOf(headers, "sec-websocket-protocol");
  const names = listOf(headers, "sec-websocket-protocol");
  if (values.length === 0) return [];
  return names.length > 0 && names.every((name) => IS_TOKEN.test(name)) && new Set(names).size === names.length
    ? names
    : undefined;
}

export function acceptOf(key: string): string {
  return createHash("sha1")
    .update(key + GUID)
    .digest("base64");
}

const KEY = /^[A-Za-z0-9+/]{22}==$/;

/** The codes of the rules that a request breaks (RFC 6455 §4.2.1). */
export function brokenByRequest(start: readonly string[], headers: Headers): Set<string> {
  const [method = "", target = "", version = ""] = start;
  const broken = new Set<string>();
  const rule = (holds: boolean, code: string): void => {
    if (!holds) broken.add(`WS_ERR_HANDSHAKE_${code}`);
  };
  rule(/^1\.[1-9]$/.test(version), "HTTP_VERSION");
  rule(method === "GET", "METHOD");
  rule(/^(?:\/|(?:http|ws)s?:\/\/)[^#]*$/i.test(target), "TARGET");
  rule(lists(headers, "upgrade", "websocket"), "UPGRADE");
  rule(lists(headers, "connection", "upgrade"), "CONNECTION");
  rule(valuesOf(headers, "sec-websocket-version").join("\n") === "13", "VERSION");
  rule(KEY.test(valuesOf(headers, "sec-websocket-key").join("\n")), "KEY");
  const hosts = valuesOf(headers, "host");
  rule(hosts.length === 1 && /^[\x21-\x7e]+$/.test(hosts[0]!) && !/[/?#@\\"<>]/.test(hosts[0]!), "HOST");
  const lengths = valuesOf(headers, "content-length");
  rule(lengths.every((value) => value === "0") && valuesOf(headers, "transfer-encoding").length === 0, "BODY");
  rule(valuesOf(headers, "origin").length <= 1, "ORIGIN");
  rule(subprotocols(headers) !== undefined, "PROTOCOL");
  const extensions = valuesOf(headers, "sec-websocket-extensions");
  rule(extensions.length === 0 || modelExtensions(extensions.join(", ")) !== undefined, "EXTENSION");
  return broken;
}

export function offeredProtocols(headers: Headers): string[] {
  return subprotocols(headers) ?? [];
}

export function offersOf(headers: Headers): ModelExtension[] {
  return modelExtensions(valuesOf(headers, "sec-websocket-extensions").join(", ")) ?? [];
}

/**
 * The codes of the rules that a response breaks (RFC 6455 §4.1), except those of extensions, which answersOneOf()
 * checks.
 */
export function brokenByResponse(
  start: readonly string[],
  headers: Headers,
  sent: { readonly key: string; readonly protocols: readonly string[]; readonly offers: readonly ModelParameters[] },
): Set<string> {
  const [version = "", status = ""] = start;
  const broken = new Set<string>();
  const rule = (holds: boolean, code: string): void => {
    if (!holds) broken.add(`WS_ERR_HANDSHAKE_${code}`);
  };
  if (status !== "101") {
    const isRedirect = status.startsWith("3") && valuesOf(headers, "location").length > 0;
    rule(false, isRedirect ? "REDIRECT" : status === "401" || status === "407" ? "UNAUTHORIZED" : "STATUS");
    return broken;
  }
  rule(/^1\.[1-9]$/.test(version), "HTTP_VERSION");
  rule(listOf(headers, "upgrade").length === 1 && lists(headers, "upgrade", "websocket"), "UPGRADE");
  rule(lists(headers, "connection", "upgrade"), "CONNECTION");
  const accepts = valuesOf(headers, "sec-websocket-accept");
  rule(accepts.length === 1 && accepts[0] === acceptOf(sent.key), "ACCEPT");
  const chosen = valuesOf(headers, "sec-websocket-protocol");
  const names = subprotocols(headers);
  rule(
    chosen.length === 0 || (chosen.length === 1 && names?.length === 1 && sent.protocols.includes(names[0]!)),
    "PROTOCOL",
  );
  const fields = valuesOf(headers, "sec-websocket-extensions");
  const answers = fields.length === 0 ? [] : modelExtensions(fields.join(", "));
  rule(
    answers !== undefined &&
      answers.length <= (sent.offers.length > 0 ? 1 : 0) &&
      answers.every(({ name, parameters }) => name === "permessage-deflate" && answersOneOf(parameters, sent.offers)),
    "EXTENSION",
  );
  return broken;
}

const DEFLATE: Readonly<Record<string, RegExp>> = {
  server_no_context_takeover: /^$/,
  client_no_context_takeover: /^$/,
  server_max_window_bits: /^(?:8|9|1[0-5])$/,
  client_max_window_bits: /^(?:8|9|1[0-5])$/,
};

/** Parameters by name, if RFC 7692 §7.1 allows them. */
function deflateParameters(parameters: ModelParameters, isOffer: boolean): Map<string, string> | undefined {
  const found = new Map<string, string>();
  for (const [name, value] of parameters) {
    const text = value === true ? "" : value;
    const isHint = isOffer && name === "client_max_window_bits" && value === true;
    if (found.has(name) || !(Object.hasOwn(DEFLATE, name) && (isHint || DEFLATE[name]!.test(text)))) return undefined;
    found.set(name, text);
  }
  return found;
}

export function isValidOffer(parameters: ModelParameters): boolean {
  return deflateParameters(parameters, true) !== undefined;
}

/** Whether a response is a valid answer to one of the offers (RFC 7692 §5.1, §7.1). */
export function answersOneOf(response: ModelParameters, offers: readonly ModelParameters[]): boolean {
  const answer = deflateParameters(response, false);
  if (answer === undefined) return false;
  return offers.some((parameters) => {
    const offer = deflateParameters(parameters, true);
    if (offer === undefined) return false;
    if (offer.has("server_no_context_takeover") && !answer.has("server_no_context_takeover")) return false;
    const serverBits = offer.get("server_max_window_bits");
    if (serverBits !== undefined && !(Number(answer.get("server_max_window_bits") ?? 16) <= Number(serverBits)))
      return false;
    const asked = answer.get("client_max_window_bits");
    if (asked === undefined) return true;
    const hint = offer.get("client_max_window_bits");
    return hint !== undefined && Number(asked) <= Number(hint === "" ? 15 : hint);
  });
}
