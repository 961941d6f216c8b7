// Functions of the main entry refuse unknown options and options of the wrong kind, and name them.

import { describe, expect, test } from "vitest";
import {
  acceptHandshake,
  checkResponse,
  createConnectRequest,
  createRequest,
  Keepalive,
  perMessageDeflate,
  Protocol,
  rejectHandshake,
  RequestParser,
  ResponseParser,
  serializeResponse,
} from "../../src/index.ts";

/** A value as JavaScript may pass it; the types do not allow it. */
function untyped<T>(value: unknown): T {
  return value as T;
}

const REQUEST = {
  method: "GET",
  headers: {
    host: "localhost",
    upgrade: "websocket",
    connection: "Upgrade",
    "sec-websocket-version": "13",
    "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
  },
};

describe("an unknown option", () => {
  const calls: [run: () => unknown, message: string | RegExp][] = [
    [
      () => rejectHandshake(untyped({ status: 401, header: { "WWW-Authenticate": "Basic" } })),
      "rejectHandshake() has no option `header`: did you mean `headers`?",
    ],
    [
      () => rejectHandshake(untyped({ status: 401, reason: "No" })),
      "rejectHandshake() has no option `reason`: it follows from `status`",
    ],
    [
      () => acceptHandshake(REQUEST, untyped({ handleProtocols: () => "chat" })),
      "acceptHandshake() has no option `handleProtocols`: use `protocols`, a list or a function",
    ],
    [
      () => acceptHandshake(REQUEST, untyped({ checkorigin: () => false })),
      "acceptHandshake() has no option `checkorigin`: did you mean `checkOrigin`?",
    ],
    [
      () => createRequest("ws://localhost", untyped({ header: {} })),
      "createRequest() has no option `header`: did you mean `headers`?",
    ],
    [
      () => createConnectRequest("ws://localhost", untyped({ key: "dGhlIHNhbXBsZSBub25jZQ==" })),
      "createConnectRequest() has no option `key`: a request over HTTP/2 or 3 has no key",
    ],
    [
      () => serializeResponse(untyped({ status: 200, headers: {}, bdy: "x" })),
      "serializeResponse() has no option `bdy`: did you mean `body`?",
    ],
    [
      () => new Keepalive(new Protocol({ role: "server" }), 0, untyped({ pingIntervall: 5 })),
      "Keepalive has no option `pingIntervall`: did you mean `pingInterval`?",
    ],
    [
      () => new Protocol(untyped({ role: "server", maxMessage: 5 })),
      "Protocol has no option `maxMessage`: put it into `limits`",
    ],
    [
      () => new Protocol(untyped({ role: "server", autopong: false })),
      "Protocol has no option `autopong`: did you mean `autoPong`?",
    ],
    [() => new Protocol(untyped(undefined)), "The options of Protocol must be an object"],
    [
      () => new RequestParser(untyped({ maxHeadsize: 5 })),
      "RequestParser has no option `maxHeadsize`: did you mean `maxHeadSize`?",
    ],
    [() => new ResponseParser(untyped({ maxHeaders: 5 })), "ResponseParser has no option `maxHeaders`: check its name"],
  ];
  for (const [run, message] of calls) test(String(message), () => expect(run).toThrow(new TypeError(String(message))));

  test("is allowed if it is undefined", () => {
    expect(rejectHandshake(untyped({ status: 401, header: undefined })).status).toBe(401);
    expect(acceptHandshake(REQUEST, untyped({ handleProtocols: undefined })).accepted).toBe(true);
  });
});

test("serializeResponse() accepts an Acceptance, a Rejection and a head from ResponseParser", () => {
  const rejection = serializeResponse(rejectHandshake({ status: 401 }));
  expect(new TextDecoder().decode(rejection)).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
  const acceptance = serializeResponse(untyped(acceptHandshake(REQUEST)));
  expect(new TextDecoder().decode(acceptance)).toMatch(/^HTTP\/1\.1 101 /);
  const { response } = new ResponseParser().push(rejection)!;
  expect(new TextDecoder().decode(serializeResponse(response))).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/);
});

describe("extensions that are not an array of extensions", () => {
  const message = "extensions must be an array of extensions, such as [perMessageDeflate()]";
  for (const [name, extensions] of Object.entries({
    "one extension": perMessageDeflate(),
    null: null,
    "a string": "permessage-deflate",
    "a list of names": ["permessage-deflate"],
    "a list with undefined": [undefined],
    "a list with a function": [perMessageDeflate],
  })) {
    test(name, () => {
      const options = untyped<{ extensions: [] }>({ extensions });
      const wrong = new TypeError(message);
      if (extensions !== null) {
        expect(() => new Protocol({ role: "server", ...options })).toThrow(wrong);
        expect(() => createRequest("ws://localhost", options)).toThrow(wrong);
        expect(() => createConnectRequest("ws://localhost", options)).toThrow(wrong);
      }
      // Even if the client offers none.
      expect(() => acceptHandshake(REQUEST, options)).toThrow(wrong);
    });
  }
});

test("headers that are missing or of another type are named", () => {
  const message = "`headers` must be an object or pairs";
  expect(() => acceptHandshake(untyped({ method: "GET", header: {} }))).toThrow(new TypeError(message));
  expect(() => serializeResponse(untyped({ status: 200 }))).toThrow(new TypeError(message));
  expect(() => checkResponse(untyped({ status: 101 }), createRequest("ws://localhost"))).toThrow(
    new TypeError(message),
  );
  expect(() => checkResponse({ status: 101, headers: {} }, untyped({}))).toThrow(new TypeError(message));
  expect(() => rejectHandshake({ headers: untyped("WWW-Authenticate: Basic") })).toThrow(new TypeError(message));
});
