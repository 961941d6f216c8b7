// Unknown options are refused. Otherwise, an option with the name from another package would silently have no effect.

import { createServer } from "node:http";
import { createSecureServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { Duplex } from "node:stream";
import { describe, expect, test } from "vitest";
import { perMessageDeflate, Protocol } from "../../src/index.ts";
import { acceptStream, connect, serve, type ServeOptions, upgrade } from "../../src/node/index.ts";
import {
  FrameDecoderStream,
  FrameEncoderStream,
  acceptWebSocketStream,
  connectWebSocketStream,
  openWebSocketStream,
} from "../../src/streams/index.ts";
import { openSession, WEBSOCKET } from "./support/http2.ts";
import { dial, request, TLS } from "./support/peer.ts";
import { atEnd, watchLeftovers } from "./support/watch.ts";

watchLeftovers();

/** A value as JavaScript may pass it; the types do not allow it. */
function untyped<T>(value: unknown): T {
  return value as T;
}

async function messageOf(run: () => unknown): Promise<string> {
  try {
    await run();
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
    return (error as Error).message;
  }
  return "(nothing was thrown)";
}

type Case = [name: string, value: unknown, ours: RegExp];

/** Limits outside `limits`. */
const LIMITS = ["maxFrame", "maxMessage", "maxFragments", "maxControlFrames", "controlPeriod", "maxPendingPongs"].map(
  (name): Case => [name, 1024, new RegExp(`: use \`limits: \\{ ${name} \\}\`$`)],
);

/** The options of ws's server, and their replacements. */
const SERVER_NAMES: Case[] = [
  ["verifyClient", () => false, /`verify`/],
  ["handleProtocols", () => false, /`protocols`/],
  ["perMessageDeflate", true, /`extensions: \[perMessageDeflate\(\)\]`/],
  ["maxPayload", 1024, /`limits: \{ maxMessage \}`/],
  ["maxPendingAutoPongs", 10, /`limits: \{ maxPendingPongs \}`/],
  ["maxBufferedChunks", 10, /no equivalent/],
  ["clientTracking", true, /`connections`/],
  ["backlog", 511, /`server`/],
  ["noServer", true, /upgrade\(\)/],
  ["skipUTF8Validation", true, /`allowInvalidUtf8`/],
  ["allowSynchronousEvents", true, /no equivalent/],
  ["WebSocket", Object, /no equivalent/],
  // Not an option of ws, but close to one.
  ["key", "a key", /`tls`/],
  ["cert", "a certificate", /`tls`/],
  ["highWatermark", 1, /`highWaterMark`/],
  ["pingIntervall", 1, /`pingInterval`/],
  ["somethingElse", 1, /check its name/],
  // The nearest name, not the first that is near.
  ["prt", 80, /did you mean `port`\?/],
  ["hostname", "localhost", /use `host`/],
  ...LIMITS,
];

const CLIENT_NAMES: Case[] = [
  ["perMessageDeflate", false, /`extensions: \[perMessageDeflate\(\)\]`/],
  ["maxPayload", 1024, /`limits: \{ maxMessage \}`/],
  ["maxBufferedChunks", 10, /no equivalent/],
  ["skipUTF8Validation", true, /`allowInvalidUtf8`/],
  ["allowSynchronousEvents", true, /no equivalent/],
  ["followRedirects", true, /`location`/],
  ["maxRedirects", 5, /`location`/],
  ["generateMask", () => {}, /use `maskKey`/],
  ["protocolVersion", 13, /no equivalent/],
  ["protocol", "chat", /`protocols`/],
  ["createConnection", () => {}, /`agent`/],
  ["finishRequest", () => {}, /no equivalent/],
  ["timeout", 1000, /`handshakeTimeout`/],
  ["auth", "a:b", /URL/],
  ["host", "example.test", /URL/],
  ["path", "/x", /URL/],
  ["port", 80, /URL/],
  ["ca", "", /`tls`/],
  ["cert", "", /`tls`/],
  ["rejectUnauthorized", false, /`tls`/],
  ["servername", "", /`tls`/],
  ["checkServerIdentity", () => {}, /`tls`/],
  ["localAddress", "127.0.0.1", /`tls`/],
  ["family", 4, /`tls`/],
  ["lookup", () => {}, /`tls`/],
  ["hostname", "localhost", /URL/],
  ...LIMITS,
];

describe("serve()", () => {
  for (const [name, value, ours] of SERVER_NAMES) {
    test(name, async () => {
      const message = await messageOf(() =>
        serve(untyped<ServeOptions>({ host: "127.0.0.1", [name]: value }), () => {}),
      );
      expect(message).toContain(`serve() has no option \`${name}\``);
      expect(message).toMatch(ours);
    });
  }

  test("refuses inherited options, too", async () => {
    const options = Object.create({ verifyClient: () => false }) as object;
    expect(await messageOf(() => serve(options, () => {}))).toMatch(/verifyClient/);
  });

  test("refuses options or a handler of another type", async () => {
    for (const options of [undefined, null, 8080, "x", () => {}, []]) {
      expect(await messageOf(() => serve(untyped<ServeOptions>(options), () => {}))).toMatch(
        /options of serve\(\) must be an object/,
      );
    }
    expect(await messageOf(() => serve({ host: "127.0.0.1" }, untyped<() => void>(undefined)))).toMatch(
      /handler must be a function/,
    );
  });

  test("an unknown option may be undefined", async () => {
    const server = await serve(
      untyped<ServeOptions>({ host: "127.0.0.1", maxPayload: undefined, verify: undefined }),
      () => {},
    );
    await server.close();
  });
});

describe("connect()", () => {
  for (const [name, value, ours] of CLIENT_NAMES) {
    test(name, async () => {
      const message = await messageOf(() => connect("ws://127.0.0.1:1", untyped({ [name]: value })));
      expect(message).toContain(`connect() has no option \`${name}\``);
      expect(message).toMatch(ours);
    });
  }

  test("refuses subprotocols instead of the options", async () => {
    for (const protocols of ["chat", ["chat"], []]) {
      expect(await messageOf(() => connect("ws://127.0.0.1:1", untyped(protocols)))).toMatch(/`protocols`/);
    }
    expect(await messageOf(() => connect("ws://127.0.0.1:1", untyped(null)))).toMatch(/must be an object/);
  });
});

test("refuses unknown options inside limits, wherever they are given", async () => {
  const limits = untyped<object>({ maxPayload: 10 });
  expect(await messageOf(() => new Protocol({ role: "server", limits }))).toMatch(/`maxPayload`.*`maxMessage`/);
  expect(await messageOf(() => serve({ host: "127.0.0.1", limits }, () => {}))).toMatch(/`maxMessage`/);
  expect(await messageOf(() => connect("ws://127.0.0.1:1", { limits }))).toMatch(/`maxMessage`/);
  const misspelled = untyped<object>({ maxmessage: 10 });
  expect(await messageOf(() => new Protocol({ role: "server", limits: misspelled }))).toMatch(/`maxMessage`/);
  expect(() => new Protocol({ role: "server", limits: untyped({ maxPayload: undefined }) })).not.toThrow();
});

test("a name with up to two wrong, missing or extra characters is recognized", async () => {
  for (const [name, isNear] of [
    ["maxMesage", true],
    ["mxMesage", true],
    ["axMessagf", true],
    ["maxMessagexy", true],
    ["maxMessagexyz", false],
    ["maMesage_", false],
  ] as const) {
    const limits = untyped<object>({ [name]: 10 });
    const message = await messageOf(() => new Protocol({ role: "server", limits }));
    expect(message).toMatch(isNear ? /did you mean `maxMessage`\?/ : /check its name/);
  }
});

test("Protocol: maxPayload", async () => {
  const options = untyped<{ role: "server" }>({ role: "server", maxPayload: 10 });
  expect(await messageOf(() => new Protocol(options))).toMatch(/`limits: \{ maxMessage \}`/);
});

test("perMessageDeflate()", async () => {
  const names: [name: string, value: unknown, ours: RegExp][] = [
    ["zlibDeflateOptions", { level: 1 }, /`level`.*`memLevel`/],
    ["zlibInflateOptions", {}, /no equivalent/],
    ["concurrencyLimit", 10, /no equivalent/],
    ["maxPayload", 10, /`limits: \{ maxMessage \}`/],
    ["treshold", 10, /`threshold`/],
  ];
  for (const [name, value, ours] of names) {
    const message = await messageOf(() => perMessageDeflate(untyped({ [name]: value })));
    expect(message).toContain(`perMessageDeflate() has no option \`${name}\``);
    expect(message).toMatch(ours);
  }
  expect(() => perMessageDeflate(untyped({ maxPayload: undefined }))).not.toThrow();
});

test("upgrade() and acceptStream() throw a TypeError, and the client gets 500", async () => {
  const caught: unknown[] = [];
  const attempt = (run: () => unknown) => {
    try {
      run();
    } catch (error) {
      caught.push(error);
    }
  };
  const wrong = untyped<object>({ verifyClient: () => false });
  const server = createServer();
  server.on("upgrade", (message, socket, head) => attempt(() => upgrade(message, socket, head, wrong)));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => new Promise((resolve) => server.close(resolve)));
  const peer = await dial((server.address() as AddressInfo).port);
  await peer.write(request());
  await peer.leave();
  expect(peer.status).toBe(500);

  const secure = createSecureServer({ ...TLS, settings: { enableConnectProtocol: true } });
  secure.on("stream", (stream: ServerHttp2Stream, headers) => attempt(() => acceptStream(stream, headers, wrong)));
  await new Promise<void>((resolve) => secure.listen(0, "127.0.0.1", resolve));
  atEnd(() => new Promise((resolve) => secure.close(resolve)));
  const session = await openSession((secure.address() as AddressInfo).port);
  const stream = session.request(WEBSOCKET, { endStream: false });
  stream.on("error", () => {});
  stream.resume();
  const status = await new Promise((resolve) => stream.on("response", (headers) => resolve(headers[":status"])));
  expect(status).toBe(500);

  for (const error of caught) {
    expect(error).toBeInstanceOf(TypeError);
    expect((error as Error).message).toMatch(/has no option `verifyClient`.*`verify` of serve\(\)/);
  }
  expect(caught.map((error) => (error as Error).message.split(" ")[0])).toEqual(["upgrade()", "acceptStream()"]);
});

test("the functions of wsframe/streams", async () => {
  const duplex = () => Duplex.toWeb(new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() }));
  const wrong = untyped<object>({ maxPayload: 10 });
  const runs: [name: string, run: () => unknown][] = [
    ["connectWebSocketStream", () => connectWebSocketStream(duplex(), "ws://localhost/", wrong)],
    ["acceptWebSocketStream", () => acceptWebSocketStream(duplex(), wrong)],
    ["openWebSocketStream", () => openWebSocketStream(duplex(), { role: "server", ...wrong })],
  ];
  expect(await messageOf(() => new FrameDecoderStream({ role: "server", ...wrong }))).toBe(
    "FrameDecoderStream has no option `maxPayload`: use `maxFrame`",
  );
  expect(await messageOf(() => new FrameEncoderStream(untyped({ role: "client", maskkey: 1 })))).toBe(
    "FrameEncoderStream has no option `maskkey`: did you mean `maskKey`?",
  );
  for (const [name, run] of runs) {
    const message = await messageOf(run);
    expect(message).toContain(`${name}() has no option \`maxPayload\``);
    expect(message).toContain("`limits: { maxMessage }`");
  }
});
