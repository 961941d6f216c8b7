// Runs one handshake case through the public functions and compares the result with the model.

import {
  acceptHandshake,
  type Acceptance,
  checkResponse,
  createRequest,
  HandshakeError,
  parseExtensions,
  perMessageDeflate,
  type Rejection,
  RequestParser,
  ResponseParser,
  serializeExtensions,
  serializeRequest,
  serializeResponse,
} from "../../../src/index.ts";
import type { DeflateOptions, HandshakeCase, HeadLimits, PairCase, RequestCase, ResponseCase } from "./case.ts";
import {
  acceptOf,
  answersOneOf,
  brokenByRequest,
  brokenByResponse,
  isValidOffer,
  modelExtensions,
  type ModelHead,
  modelHead,
  offeredProtocols,
  offersOf,
} from "./model.ts";
import { slowness } from "./time.ts";

const DEFAULT_LIMITS = { maxHeadSize: 16 * 1024, maxHeaderFields: 100 };
/** Heads up to this length are cut in two at each byte. */
const SHORT = 1000;

const latin1 = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text, "latin1"));
const toText = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");

/** @returns the finding, if any */
export function judge(one: HandshakeCase): string | undefined {
  switch (one.kind) {
    case "request":
      return judgeRequest(one);
    case "response":
      return judgeResponse(one);
    case "pair":
      return judgePair(one);
    case "value":
      return judgeValue(one.value);
    default:
      return slowness(one);
  }
}

/** The result of a parser in the form of the model. */
type Parsed = { readonly head: ModelHead; readonly rest: string };

function parse(isRequest: boolean, chunks: readonly Uint8Array[], limits: HeadLimits): Parsed {
  try {
    const requests = new RequestParser(limits);
    const responses = new ResponseParser(limits);
    for (const [i, chunk] of chunks.entries()) {
      const after = (rest: Uint8Array): string =>
        toText(rest) +
        chunks
          .slice(i + 1)
          .map(toText)
          .join("");
      if (isRequest) {
        const found = requests.push(chunk);
        if (found === undefined) continue;
        const { method, url, httpVersion, headers, length } = found.request;
        return { head: { start: [method, url, httpVersion], headers, length }, rest: after(found.rest) };
      }
      const found = responses.push(chunk);
      if (found === undefined) continue;
      const { status, reason, httpVersion, headers, length } = found.response;
      return { head: { start: [httpVersion, String(status), reason], headers, length }, rest: after(found.rest) };
    }
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    return { head: { error: error.code }, rest: "" };
  }
  return { head: undefined, rest: "" };
}

function cutAt(bytes: Uint8Array, cuts: readonly number[]): Uint8Array[] {
  return [...cuts, bytes.length].map((cut, i) => bytes.subarray(i === 0 ? 0 : cuts[i - 1], cut));
}

/** The head in the form of the model, or a finding. */
function judgeHead(one: RequestCase | ResponseCase, isRequest: boolean): { head: ModelHead } | string {
  const { text, limits } = one;
  const head = modelHead(text, isRequest, { ...DEFAULT_LIMITS, ...limits });
  const isWhole = head !== undefined && !("error" in head);
  const wanted = JSON.stringify({ head, rest: isWhole ? text.slice(head.length) : "" });
  const bytes = latin1(text);
  const ways = [
    [],
    one.cuts.filter((cut) => cut <= bytes.length),
    Array.from({ length: bytes.length }, (_, i) => i + 1),
  ];
  for (let at = 1; one.everywhere && at < Math.min(bytes.length, SHORT); at++) ways.push([at]);
  for (const cuts of ways) {
    const found = JSON.stringify(parse(isRequest, cutAt(bytes, cuts), limits));
    if (found !== wanted) {
      return `the head, ${cuts.length === bytes.length ? "byte by byte" : `cut at [${cuts.join()}]`}: ${found}, not ${wanted}`;
    }
  }
  return { head };
}

function judgeRequest(one: RequestCase): string | undefined {
  const judged = judgeHead(one, true);
  if (typeof judged === "string") return judged;
  const { head } = judged;
  if (head === undefined || "error" in head) return undefined;
  const [method = "", url = "", httpVersion = ""] = head.start;
  const extensions = one.deflate === undefined ? [] : [perMessageDeflate(one.deflate)];
  const answer = acceptHandshake(
    { method, url, httpVersion, headers: head.headers },
    { protocols: one.protocols, extensions },
  );
  const broken = brokenByRequest(head.start, head.headers);
  const wrong = judgeAnswer(answer, broken);
  if (wrong !== undefined || !answer.accepted) return wrong;

  const offered = offeredProtocols(head.headers);
  const protocol = one.protocols.find((name) => offered.includes(name));
  if (answer.protocol !== protocol) return `the subprotocol ${answer.protocol}, not ${protocol}`;
  const key = head.headers.find(([name]) => name.toLowerCase() === "sec-websocket-key")![1];
  if (!answer.headers.some(([name, value]) => name === "Sec-WebSocket-Accept" && value === acceptOf(key)))
    return "the accept is not the answer to the key";
  const offers = offersOf(head.headers).filter(({ name }) => name === "permessage-deflate");
  const [agreed] = answer.extensions;
  const { deflate } = one;
  if (agreed === undefined) {
    const isWilling = deflate !== undefined && Object.keys(deflate).length === 0;
    return isWilling && offers.some(({ parameters }) => isValidOffer(parameters))
      ? "a valid offer was declined"
      : undefined;
  }
  if (deflate === undefined || answer.extensions.length > 1) return "more extensions than were agreed on";
  const answered = agreed.parameters;
  if (
    !answersOneOf(
      answered,
      offers.map(({ parameters }) => parameters),
    )
  )
    return `${JSON.stringify(answered)} is no answer to ${JSON.stringify(offers)}`;
  return undefined;
}

function judgeAnswer(answer: Acceptance | Rejection, broken: ReadonlySet<string>): string | undefined {
  const bytes = toText(serializeResponse(answer));
  const head = modelHead(bytes, false, DEFAULT_LIMITS);
  if (head === undefined || "error" in head) return `the answer is not a head: ${JSON.stringify(bytes)}`;
  if (head.start[1] !== String(answer.status)) return `the status is ${head.start[1]}, not ${answer.status}`;
  if (answer.accepted) return broken.size === 0 ? undefined : `accepted, but ${[...broken].join()}`;
  return broken.has(answer.error.code) ? undefined : `refused with ${answer.error.code}, not ${[...broken].join()}`;
}

/** The offers of a client with these options. */
function offersFor(options: DeflateOptions | undefined) {
  const extensions = options === undefined ? [] : [perMessageDeflate(options)];
  return { extensions, offers: extensions.flatMap((extension) => [...extension.offer()]) };
}

function judgeResponse(one: ResponseCase): string | undefined {
  const judged = judgeHead(one, false);
  if (typeof judged === "string") return judged;
  const { head } = judged;
  if (head === undefined || "error" in head) return undefined;
  const { extensions, offers } = offersFor(one.deflate);
  const request = createRequest("ws://example.com/", { key: one.key, protocols: one.protocols, extensions });
  const broken = brokenByResponse(head.start, head.headers, { key: one.key, protocols: one.protocols, offers });
  const [httpVersion = "", status = ""] = head.start;
  try {
    checkResponse({ status: Number(status), httpVersion, headers: head.headers }, request);
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    // An option may require more than the RFC does.
    const isWanted = error.code === "WS_ERR_HANDSHAKE_EXTENSION" && one.deflate?.clientNoContextTakeover === false;
    return broken.has(error.code) || isWanted ? undefined : `refused with ${error.code}, not ${[...broken].join()}`;
  }
  return broken.size === 0 ? undefined : `accepted, but ${[...broken].join()}`;
}

function judgePair({ client, server }: PairCase): string | undefined {
  const { extensions, offers } = offersFor(client.deflate);
  const request = createRequest("ws://example.com/", { protocols: client.protocols, extensions });
  const found = new RequestParser().push(serializeRequest(request));
  if (found === undefined) return "the request is not complete";
  const speaks = server.deflate === undefined ? [] : [perMessageDeflate(server.deflate)];
  const answer = acceptHandshake(found.request, { protocols: server.protocols, extensions: speaks });
  if (!answer.accepted) return `the own request was refused: ${answer.error.message}`;
  const response = new ResponseParser().push(serializeResponse(answer));
  if (response === undefined) return "the response is not complete";
  try {
    const agreed = checkResponse(response.response, request);
    const both = [answer, agreed].map(({ protocol, extensions }) =>
      JSON.stringify({ protocol, parameters: extensions.map(({ parameters }) => parameters) }),
    );
    return both[0] === both[1] ? undefined : `the server agreed to ${both[0]}, the client to ${both[1]}`;
  } catch (error) {
    if (!(error instanceof HandshakeError)) throw error;
    const wants = client.deflate?.clientNoContextTakeover === false && server.deflate?.clientNoContextTakeover === true;
    return wants
      ? undefined
      : `the client refused ${JSON.stringify(answer.headers)} to ${JSON.stringify(offers)}: ${error.message}`;
  }
}

function judgeValue(value: string): string | undefined {
  const found = parseExtensions(value);
  const wanted = modelExtensions(value);
  if (JSON.stringify(found) !== JSON.stringify(wanted))
    return `${JSON.stringify(found)}, not ${JSON.stringify(wanted)}`;
  if (found === undefined) return undefined;
  const again = parseExtensions(serializeExtensions(found));
  return JSON.stringify(again) === JSON.stringify(found)
    ? undefined
    : `written and read again: ${JSON.stringify(again)}`;
}
