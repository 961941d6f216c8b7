// Checks that parsing takes linear time: a text that is four times as long must not take much more than four times as
// long.

import {
  acceptHandshake,
  checkResponse,
  HandshakeError,
  parseExtensions,
  RequestParser,
  ResponseParser,
} from "../../../src/index.ts";
import type { TimeCase } from "./case.ts";

const SMALL = 16_000;
const FACTOR = 4;
/** The largest allowed factor. Quadratic work takes 16 times as long. */
const MOST = 9;
/** Times below this, in ms, are not judged. */
const NOTICEABLE = 4;
const TRIES = 6;
const UNLIMITED = { maxHeadSize: Infinity, maxHeaderFields: Infinity };

function act({ where, before, repeated, after }: TimeCase, length: number): () => void {
  const text = before + repeated.repeat(Math.ceil(length / repeated.length)) + after;
  const bytes = Buffer.from(text, "latin1");
  const start = { head: "", status: "", field: "GET / HTTP/1.1\r\nx: " }[where as string];
  if (start !== undefined) {
    const whole = Buffer.concat([Buffer.from(start), bytes]);
    return () => {
      const parser = where === "status" ? new ResponseParser(UNLIMITED) : new RequestParser(UNLIMITED);
      // Pushed in pieces, as it would arrive from a socket.
      for (let at = 0; at < whole.length; at += 50) if (parser.push(whole.subarray(at, at + 50)) !== undefined) return;
    };
  }
  const headers: [string, string][] = [
    ["Host", "a"],
    ["Upgrade", "websocket"],
    ["Connection", "Upgrade"],
    ["Sec-WebSocket-Version", "13"],
    ["Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="],
    ["Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="],
    [where, text],
  ];
  return () => {
    parseExtensions(text);
    acceptHandshake({ method: "GET", headers }, { protocols: ["a", "b"] });
    checkResponse({ status: 101, headers }, { headers: headers.slice(0, 5) });
  };
}

/** The shortest processor time, in ms. Elapsed time would include other processes. */
function least(action: () => void, rounds: number): number {
  let best = Infinity;
  for (let round = 0; round < rounds; round++) {
    const from = process.cpuUsage();
    try {
      action();
    } catch (error) {
      if (!(error instanceof HandshakeError)) throw error;
    }
    const { user, system } = process.cpuUsage(from);
    best = Math.min(best, (user + system) / 1000);
  }
  return best;
}

/** @returns the finding, if any */
export function slowness(one: TimeCase): string | undefined {
  const large = act(one, SMALL * FACTOR);
  if (least(large, 2) < NOTICEABLE) return undefined;
  const small = act(one, SMALL);
  let ratio = Infinity;
  for (let tries = 0; tries < TRIES; tries++) {
    ratio = Math.min(ratio, least(large, 3) / Math.max(least(small, 3), 0.2));
    if (ratio <= MOST) return undefined;
  }
  return `${one.where}: ${FACTOR} times as many bytes take ${ratio.toFixed(1)} times as long`;
}
