// permessage-deflate with peers from npm that support it, over loopback sockets: ws in both roles, and undici, whose client
// inflates but sends uncompressed messages.

import { describe, expect, test } from "vitest";
import { perMessageDeflate, type PerMessageDeflateOptions } from "../../src/index.ts";
import { json, mixed } from "../deflate/support/messages.ts";
import { Random } from "../support/random.ts";
import { BINARY_PARTS, TEXT_PARTS, TEXTS } from "./support/messages.ts";
import type { End } from "./support/end.ts";
import { dial, type OurEnd, serve } from "./support/ours.ts";
import { PAIRS } from "./support/pairs.ts";
import type { TheirOptions } from "./support/theirs.ts";

type Deflate = Exclude<TheirOptions["deflate"], boolean | undefined>;

const WITH_WS = PAIRS.filter(({ peer }) => peer === "ws");
const WITH_UNDICI = PAIRS.filter(({ peer }) => peer === "undici" || peer === "global WebSocket");

/** Messages that refer to earlier ones, near and far. The last is longer than any window. */
function conversation(count: number): (string | Buffer)[] {
  const random = new Random(count);
  const messages: (string | Buffer)[] = Array.from({ length: count }, (_, i) => {
    const length = random.pick([0, 10, 300, 300, 3000, 3000, 12_000]);
    if (i % 3 === 0) return Buffer.from(mixed(random, length));
    return Buffer.from(json(random, length)).toString();
  });
  messages.push(Buffer.from(json(random, 100_000)).toString(), Buffer.from(mixed(random, 100_000)));
  return messages;
}

function expectSame(received: readonly (string | Buffer)[], sent: readonly (string | Buffer)[]): void {
  expect(received).toHaveLength(sent.length);
  for (const [i, message] of sent.entries()) {
    const got = received[i]!;
    // A matcher would be slow on large messages.
    const isSame =
      typeof message === "string" ? got === message : typeof got !== "string" && Buffer.compare(got, message) === 0;
    expect(isSame, `message ${i}`).toBe(true);
  }
}

const totalOf = (messages: readonly (string | Buffer)[]): number =>
  messages.reduce((total, message) => total + Buffer.byteLength(message), 0);

async function converse(ours: OurEnd, theirs: End, messages: readonly (string | Buffer)[]): Promise<void> {
  for (const message of messages) {
    ours.send(message);
    theirs.send(message);
  }
  expectSame(await theirs.messages.take(messages.length), messages);
  expectSame(await ours.messages.take(messages.length), messages);
  expect(ours.errors).toEqual([]);
}

/** The options of both sides, and the resulting response. */
interface Configuration {
  readonly name: string;
  readonly ours?: PerMessageDeflateOptions;
  readonly theirs?: Deflate;
  /** The parameters of the response, with our server and with theirs. */
  readonly agreed: readonly [ourServer: string, ourClient: string];
}

const CONFIGURATIONS: Configuration[] = [
  { name: "no options", agreed: ["", ""] },
  {
    name: "we want the server to forget",
    ours: { serverNoContextTakeover: true },
    agreed: ["server_no_context_takeover", "server_no_context_takeover"],
  },
  {
    name: "they want the server to forget",
    theirs: { serverNoContextTakeover: true },
    agreed: ["server_no_context_takeover", "server_no_context_takeover"],
  },
  {
    name: "we want the client to forget",
    ours: { clientNoContextTakeover: true },
    agreed: ["client_no_context_takeover", "client_no_context_takeover"],
  },
  {
    name: "they want the client to forget",
    theirs: { clientNoContextTakeover: true },
    agreed: ["client_no_context_takeover", "client_no_context_takeover"],
  },
  {
    name: "both forget",
    ours: { serverNoContextTakeover: true, clientNoContextTakeover: true },
    theirs: { serverNoContextTakeover: true, clientNoContextTakeover: true },
    agreed: [
      "server_no_context_takeover; client_no_context_takeover",
      "server_no_context_takeover; client_no_context_takeover",
    ],
  },
];
for (let bits = 8; bits <= 15; bits++) {
  const server = `server_max_window_bits=${bits}`;
  const client = `client_max_window_bits=${bits}`;
  CONFIGURATIONS.push(
    { name: `we want a server's window of ${bits}`, ours: { serverMaxWindowBits: bits }, agreed: [server, server] },
    { name: `they want a server's window of ${bits}`, theirs: { serverMaxWindowBits: bits }, agreed: [server, server] },
    { name: `we want a client's window of ${bits}`, ours: { clientMaxWindowBits: bits }, agreed: [client, client] },
    { name: `they want a client's window of ${bits}`, theirs: { clientMaxWindowBits: bits }, agreed: [client, client] },
    {
      name: `a client's window of ${bits}, a server's of ${23 - bits}, and both forget`,
      ours: { serverMaxWindowBits: 23 - bits, clientNoContextTakeover: true, threshold: 0 },
      theirs: { clientMaxWindowBits: bits, serverNoContextTakeover: true, threshold: 0 },
      agreed: [
        `server_no_context_takeover; client_no_context_takeover; server_max_window_bits=${23 - bits}; ${client}`,
        `server_no_context_takeover; client_no_context_takeover; server_max_window_bits=${23 - bits}; ${client}`,
      ],
    },
  );
}

/** The parameters in a fixed order, because the order in a response does not matter. */
const sorted = (extensions: string): string[] => extensions.split(/; */).sort();

for (const { name, weServe, open } of WITH_WS) {
  describe(name, () => {
    test.each(CONFIGURATIONS)("$name", async ({ ours: own = {}, theirs: other = {}, agreed }) => {
      const { ours, theirs } = await open({
        extensions: [perMessageDeflate({ threshold: 0, ...own })],
        theirs: { deflate: { threshold: 0, ...other } },
      });
      const parameters = agreed[weServe ? 0 : 1];
      expect(sorted(ours.extensions)).toEqual(
        sorted(parameters === "" ? "permessage-deflate" : `permessage-deflate; ${parameters}`),
      );
      const messages = conversation(25);
      await converse(ours, theirs, messages);
      // Compressed in both directions.
      expect(ours.bytesSent).toBeLessThan(totalOf(messages) * 0.75);
      expect(ours.protocol.bytesReceived).toBeLessThan(totalOf(messages) * 0.75);
    });

    test("hundreds of messages, each with all earlier ones as context", async () => {
      const { ours, theirs } = await open({ extensions: [perMessageDeflate()], theirs: { deflate: true } });
      await converse(ours, theirs, conversation(600));
    });

    test("data that compresses well takes a thousandth of the bytes, in both directions", async () => {
      const { ours, theirs } = await open({ extensions: [perMessageDeflate()], theirs: { deflate: true } });
      const text = "a".repeat(1_000_000);
      await converse(ours, theirs, [text]);
      expect(ours.bytesSent).toBeLessThan(2000);
      expect(ours.protocol.bytesReceived).toBeLessThan(2000);
    });

    test("small texts of every form are compressed", async () => {
      const { ours, theirs } = await open({
        extensions: [perMessageDeflate({ threshold: 0 })],
        theirs: { deflate: { threshold: 0 } },
      });
      await converse(ours, theirs, TEXTS);
    });

    test("compressed messages in fragments with Pings in between, in both directions", async () => {
      const { ours, theirs } = await open({
        extensions: [perMessageDeflate({ threshold: 0 })],
        theirs: { deflate: { threshold: 0 } },
      });
      for (let round = 0; round < 20; round++) {
        for (const [from, to] of [
          [ours, theirs],
          [theirs, ours],
        ] as const) {
          from.sendFragments!(TEXT_PARTS);
          expect(await to.messages.next()).toBe(TEXT_PARTS.join(""));
          expect(await from.pongs.take(3)).toEqual(["between 1", "between 2", "between 3"]);
          from.sendFragments!(BINARY_PARTS);
          expectSame([await to.messages.next()], [Buffer.concat(BINARY_PARTS)]);
          await from.pongs.take(3);
        }
      }
    });

    test.each([1, 7])("inflates input in chunks of %i, in fragments of 1,000", async (pieces) => {
      const { ours, theirs } = await open({
        pieces,
        extensions: [perMessageDeflate()],
        protocol: { fragmentSize: 1000 },
        theirs: { deflate: true },
      });
      await converse(ours, theirs, conversation(20));
    });

    test("each side leaves messages below its threshold uncompressed", async () => {
      const { ours, theirs } = await open({
        extensions: [perMessageDeflate({ threshold: 200 })],
        // ws uses its threshold only without context takeover.
        theirs: { deflate: { threshold: 400, clientNoContextTakeover: true, serverNoContextTakeover: true } },
      });
      const sizes: number[][] = [];
      for (const length of [199, 200, 399, 400]) {
        const before = [ours.bytesSent, ours.protocol.bytesReceived] as const;
        await converse(ours, theirs, ["a".repeat(length)]);
        sizes.push([ours.bytesSent - before[0], ours.protocol.bytesReceived - before[1]]);
      }
      expect(sizes.map(([out, back]) => [out! < 50, back! < 50])).toEqual([
        [false, false],
        [true, false],
        [true, false],
        [true, true],
      ]);
    });

    test("send() decides for a single message whether to compress it", async () => {
      const { ours, theirs } = await open({ extensions: [perMessageDeflate()], theirs: { deflate: true } });
      const text = "b".repeat(5000);
      ours.protocol.send(text, { compress: false });
      ours.flush();
      expect(await theirs.messages.next()).toBe(text);
      expect(ours.bytesSent).toBeGreaterThan(5000);
      ours.protocol.send("b", { compress: true });
      ours.flush();
      expect(await theirs.messages.next()).toBe("b");
    });

    test("a Close after compressed messages arrives after them", async () => {
      const { ours, theirs } = await open({ extensions: [perMessageDeflate()], theirs: { deflate: true } });
      const messages = conversation(5);
      for (const message of messages) theirs.send(message);
      theirs.close(1000, "all sent");
      expectSame(await ours.messages.take(messages.length), messages);
      expect(await ours.closed).toMatchObject({ code: 1000, reason: "all sent", wasClean: true });
    });

    test("there is no compression if only one side supports it", async () => {
      for (const [extensions, deflate] of [
        [[perMessageDeflate()], false],
        [[], true],
      ] as const) {
        const { ours, theirs } = await open({ extensions, theirs: { deflate } });
        expect([ours.extensions, theirs.extensions]).toEqual(["", ""]);
        await converse(ours, theirs, TEXTS);
      }
    });
  });
}

test("ws's server declines an offer with 400; with a fallback it accepts", async () => {
  const { open } = WITH_WS.find(({ weServe }) => !weServe)!;
  const theirs = { deflate: { serverMaxWindowBits: 12 } };
  const options = { serverMaxWindowBits: 9 };
  // RFC 6455 §9.1 would continue without compression.
  await expect(open({ extensions: [perMessageDeflate(options)], theirs })).rejects.toMatchObject({
    code: "WS_ERR_HANDSHAKE_STATUS",
    status: 400,
  });
  const agreed = await open({ extensions: [perMessageDeflate({ ...options, fallback: true })], theirs });
  expect(agreed.ours.extensions).toBe("permessage-deflate; server_max_window_bits=12");
  await converse(agreed.ours, agreed.theirs, conversation(20));
});

test("there is no compression if we decline an offer of ws's client", async () => {
  const { open } = WITH_WS.find(({ weServe }) => weServe)!;
  const { ours, theirs } = await open({
    extensions: [perMessageDeflate({ serverMaxWindowBits: false })],
    theirs: { deflate: { serverMaxWindowBits: 9 } },
  });
  expect([ours.extensions, theirs.extensions]).toEqual(["", ""]);
  await converse(ours, theirs, TEXTS);
});

for (const { name, open } of WITH_UNDICI) {
  describe(name, () => {
    const OPTIONS: PerMessageDeflateOptions[] = [
      {},
      { serverNoContextTakeover: true },
      { clientNoContextTakeover: true },
      { clientMaxWindowBits: 9 },
    ];
    for (let bits = 8; bits <= 15; bits++) OPTIONS.push({ serverMaxWindowBits: bits });

    test.each(OPTIONS)("it inflates our messages: %o", async (options) => {
      const { ours, theirs } = await open({ extensions: [perMessageDeflate({ threshold: 0, ...options })] });
      expect(theirs.extensions).toMatch(/^permessage-deflate/);
      const messages = conversation(80).filter((message) => message.length > 0);
      await converse(ours, theirs, messages);
      expect(ours.bytesSent).toBeLessThan(totalOf(messages) * 0.75);
      expect(ours.protocol.bytesReceived).toBeGreaterThan(totalOf(messages));
    });

    test("our fragments with Pings in between", async () => {
      const { ours, theirs } = await open({ extensions: [perMessageDeflate({ threshold: 0 })] });
      ours.sendFragments(TEXT_PARTS);
      expect(await theirs.messages.next()).toBe(TEXT_PARTS.join(""));
      expect(await ours.pongs.take(3)).toEqual(["between 1", "between 2", "between 3"]);
      ours.sendFragments(BINARY_PARTS);
      expectSame([await theirs.messages.next()], [Buffer.concat(BINARY_PARTS)]);
    });

    test("thresholds, and uncompressed messages in between", async () => {
      const { ours, theirs } = await open({ extensions: [perMessageDeflate({ threshold: 200 })] });
      const messages = ["a".repeat(199), "a".repeat(200), "b", "a".repeat(10_000)];
      await converse(ours, theirs, messages);
      expect(ours.bytesSent).toBeLessThan(400);
    });
  });
}

describe("peers without permessage-deflate still work", () => {
  test.each(PAIRS.filter(({ peer }) => peer.startsWith("websocket-")))("$name", async ({ open }) => {
    const { ours, theirs } = await open({ extensions: [perMessageDeflate({ threshold: 0 })] });
    expect(ours.extensions).toBe("");
    await converse(ours, theirs, [...TEXTS, "a".repeat(10_000)]);
  });
});

test("our client and our server, in both directions, with every window", async () => {
  for (let bits = 8; bits <= 15; bits++) {
    const { url, connections } = await serve({
      accept: { extensions: [perMessageDeflate({ threshold: 0, serverMaxWindowBits: bits })] },
    });
    const client = await dial(url, {
      request: { extensions: [perMessageDeflate({ threshold: 0, clientMaxWindowBits: bits })] },
    });
    expect(client.extensions).toBe(
      `permessage-deflate; server_max_window_bits=${bits}; client_max_window_bits=${bits}`,
    );
    await converse(client, await connections.next(), conversation(20));
  }
});
