// Invalid input from a peer never causes any error other than a HandshakeError.

import { expect, test } from "vitest";
import { acceptHandshake } from "../../src/handshake/accept.ts";
import { checkResponse } from "../../src/handshake/check.ts";
import { HandshakeError } from "../../src/handshake/errors.ts";
import { RequestParser, ResponseParser } from "../../src/handshake/head.ts";
import { rejectHandshake, serializeResponse } from "../../src/handshake/response.ts";
import { Random } from "../support/random.ts";
import { deflate, extension, fields, KEY, latin1, recordedHeads } from "./support.ts";

const extensions = [deflate, extension("x", 2)];
const options = { protocols: ["chat"], extensions, checkOrigin: () => true };
const sent = {
  headers: fields({ "sec-websocket-protocol": "chat", "sec-websocket-extensions": "permessage-deflate, x" }),
  extensions,
};

/** The result or the HandshakeError. Any other error fails the test. */
function outcome<T>(action: () => T): T | HandshakeError {
  try {
    return action();
  } catch (error) {
    if (error instanceof HandshakeError) return error;
    throw error;
  }
}

/** Passes bytes to a parser in pieces, and a complete head to the handshake. */
function asRequest(bytes: Uint8Array, random: Random): "accepted" | "rejected" | "no head" | "incomplete" {
  const parser = new RequestParser();
  for (let at = 0; at < bytes.length;) {
    const end = at + random.integer(1, 200);
    const found = outcome(() => parser.push(bytes.subarray(at, end)));
    at = end;
    if (found === undefined) continue;
    if (found instanceof HandshakeError) {
      expect(found.status === 400 || found.status === 431).toBe(true);
      serializeResponse(rejectHandshake({ error: found }));
      return "no head";
    }
    const result = acceptHandshake(found.request, options);
    const answer = new ResponseParser().push(serializeResponse(result))!;
    expect(answer.response.status).toBe(result.status);
    if (result.accepted) {
      // Our answer must pass our own check.
      checkResponse(answer.response, { ...found.request, extensions });
      return "accepted";
    }
    expect(Number(answer.response.headers.find(([name]) => name === "Content-Length")![1])).toBe(answer.rest.length);
    return "rejected";
  }
  return "incomplete";
}

function asResponse(bytes: Uint8Array, random: Random): void {
  const parser = new ResponseParser();
  for (let at = 0; at < bytes.length;) {
    const end = at + random.integer(1, 200);
    const found = outcome(() => parser.push(bytes.subarray(at, end)));
    at = end;
    if (found === undefined) continue;
    if (!(found instanceof HandshakeError)) outcome(() => checkResponse(found.response, sent));
    return;
  }
}

test("survives random bytes", () => {
  const random = new Random(1);
  for (let round = 0; round < 2000; round++) {
    const bytes = random.bytes(random.integer(0, 300));
    asRequest(bytes, random);
    asResponse(bytes, random);
  }
});

function mutate(bytes: Uint8Array, random: Random): Uint8Array {
  const result = [...bytes];
  for (let count = random.integer(1, 4); count > 0; count--) {
    const at = random.integer(0, result.length);
    const piece = random.pick<number[]>([
      [random.integer(0, 255)],
      [
        ...latin1(
          random.pick(["\r\n", "\n", "\r", " ", "\t", ",", ";", "=", '"', "\\", ":", "\0", "\xa0", KEY, "websocket"]),
        ),
      ],
    ]);
    result.splice(at, random.pick([0, 0, 1, 1, random.integer(0, 40)]), ...piece);
  }
  return Uint8Array.from(result);
}

test("survives recorded heads with changes", () => {
  const random = new Random(2);
  const seen = new Map<string, number>();
  for (const { client, server, clientLength, serverLength } of recordedHeads()) {
    for (let round = 0; round < 400; round++) {
      const result = asRequest(mutate(client.subarray(0, clientLength), random), random);
      seen.set(result, (seen.get(result) ?? 0) + 1);
      asResponse(mutate(server.subarray(0, serverLength), random), random);
    }
  }
  // The changes must reach different checks.
  for (const result of ["accepted", "rejected", "no head"]) expect(seen.get(result)).toBeGreaterThan(100);
});

test("survives random values in every field", () => {
  const random = new Random(3);
  const alphabet = [...'aA1 \t,;="\\:/.-\0\r\n\x7f\xe9\u212a\u{1f600}', "websocket", "upgrade", "chat", "x", "13", KEY];
  const names = [...Object.keys(fields()), "origin", "sec-websocket-protocol", "sec-websocket-extensions"];
  const pseudo = [":method", ":protocol", ":scheme", ":authority", ":path", ":status"];
  const value = () => Array.from({ length: random.integer(0, 6) }, () => random.pick(alphabet)).join("");
  for (let round = 0; round < 20_000; round++) {
    const headers: Record<string, string | string[]> = fields();
    for (let count = random.integer(1, 3); count > 0; count--) {
      const name = random.pick(random.chance(0.2) ? pseudo : names);
      headers[name] = random.chance(0.2) ? [value(), value()] : value();
    }
    const request = { method: random.pick(["GET", "CONNECT", value()]), url: random.pick(["/", value()]), headers };
    const result = acceptHandshake(request, options);
    if (!(result.accepted && result.status === 200)) serializeResponse(result);
    const answer = { upgrade: "websocket", connection: "upgrade", "sec-websocket-accept": value(), ...headers };
    outcome(() => checkResponse({ status: 101, headers: answer }, random.chance(0.5) ? sent : { headers, extensions }));
  }
});
