// wsframe with peers from npm over loopback sockets, in both roles, without compression.

import { describe, expect, test } from "vitest";
import { BINARIES, BINARY_PARTS, TEXT_PARTS, TEXTS } from "./support/messages.ts";
import { PAIRS } from "./support/pairs.ts";
import { dial, serve } from "./support/ours.ts";

/** The code that peers report for a Close without a code, if not 1005. */
const WITHOUT_CODE: Record<string, number> = { "websocket-driver": 1000, "websocket-node": 1006 };

for (const { name, peer, weServe, open } of PAIRS) {
  describe(name, () => {
    test("text arrives in both directions, ASCII, empty, with several bytes per character, and with a BOM", async () => {
      const { ours, theirs } = await open();
      for (const text of TEXTS) {
        ours.send(text);
        // undici may remove a BOM. It was sent, because all other peers receive it.
        const stripped = text.replace(/^\uFEFF/, "");
        const isUndici = peer === "undici" || peer === "global WebSocket";
        expect(isUndici ? [text, stripped] : [text]).toContain(await theirs.messages.next());
        theirs.send(text);
        expect(await ours.messages.next()).toBe(text);
      }
      expect(ours.errors).toEqual([]);
    });

    test("binary in both directions, in every length class", async () => {
      const { ours, theirs } = await open();
      for (const data of BINARIES) {
        ours.send(data);
        const received = (await theirs.messages.next()) as Buffer;
        expect([received.length, Buffer.compare(received, data)]).toEqual([data.length, 0]);
        theirs.send(data);
        const back = (await ours.messages.next()) as Buffer;
        expect([back.length, Buffer.compare(back, data)]).toEqual([data.length, 0]);
      }
    });

    test.each([1, 2, 3, 7, 100])("reads input in chunks of %i, including the handshake", async (pieces) => {
      const { ours, theirs } = await open({ pieces });
      const sent = [...TEXTS, ...BINARIES.filter(({ length }) => length <= 65536)];
      theirs.burst(sent);
      for (const message of sent) {
        const received = await ours.messages.next();
        if (typeof message === "string") expect(received).toBe(message);
        else expect(Buffer.compare(received as Buffer, message)).toBe(0);
      }
    });

    test("they receive our fragments, with Pings in between", async () => {
      const { ours, theirs } = await open();
      ours.sendFragments(TEXT_PARTS);
      expect(await theirs.messages.next()).toBe(TEXT_PARTS.join(""));
      expect(await ours.pongs.take(3)).toEqual(["between 1", "between 2", "between 3"]);
      ours.sendFragments(BINARY_PARTS);
      expect(Buffer.compare((await theirs.messages.next()) as Buffer, Buffer.concat(BINARY_PARTS))).toBe(0);
    });

    test("they receive our fragments of fragmentSize, cut inside characters", async () => {
      const { ours, theirs } = await open({ protocol: { fragmentSize: 5 } });
      const text = "Zwölf 🥊🥊🥊".repeat(20);
      ours.send(text);
      expect(await theirs.messages.next()).toBe(text);
    });

    test("many small messages in one write, in both directions", async () => {
      const { ours, theirs } = await open();
      const sent = Array.from({ length: 500 }, (_, i) => (i % 5 === 0 ? Buffer.from([i & 255]) : `${i} ☂`));
      const asText = (messages: readonly (string | Uint8Array)[]): string[] => messages.map(String);
      ours.burst(sent);
      expect(asText(await theirs.messages.take(500))).toEqual(asText(sent));
      theirs.burst(sent);
      expect(asText(await ours.messages.take(500))).toEqual(asText(sent));
    });

    test("they answer our Pings with the same payload", async () => {
      const { ours, theirs } = await open();
      const longest = "x".repeat(125);
      for (const payload of ["", "are you there", longest]) {
        ours.ping(payload);
        expect(await ours.pongs.next()).toBe(payload);
        // A WHATWG WebSocket does not report Pings.
        if (peer !== "global WebSocket") expect(await theirs.pings.next()).toBe(payload);
      }
    });

    test("agrees on the subprotocol that the server prefers", async () => {
      const { ours, theirs } = await open({ protocols: ["chat.v2", "chat"] });
      // websocket-driver chooses the one that the client prefers.
      const chosen = !weServe && peer === "websocket-driver" ? "chat" : "chat.v2";
      expect([ours.subprotocol, theirs.subprotocol]).toEqual([chosen, chosen]);
      ours.send("hello");
      expect(await theirs.messages.next()).toBe("hello");
    });

    test("we close with a code and a reason", async () => {
      const { ours, theirs } = await open();
      ours.send("last");
      ours.close(4001, "müde");
      expect(await theirs.messages.next()).toBe("last");
      expect(await theirs.closed).toMatchObject({ code: 4001, reason: "müde" });
      // websocket-node always answers 1000.
      const code = peer === "websocket-node" ? 1000 : 4001;
      expect(await ours.closed).toMatchObject({ code, wasClean: true });
      expect(ours.protocol.state).toBe("closed");
    });

    test("they close with a code and a reason", async () => {
      const { ours, theirs } = await open();
      theirs.send("last");
      theirs.close(3999, "müde");
      expect(await ours.messages.next()).toBe("last");
      expect(await ours.closed).toMatchObject({ code: 3999, reason: "müde", wasClean: true });
      expect(await theirs.closed).toMatchObject({ code: 3999 });
      expect(ours.protocol.state).toBe("closed");
    });

    test("we close without a code", async () => {
      const { ours, theirs } = await open();
      ours.closeWithoutCode();
      expect((await theirs.closed).code).toBe(WITHOUT_CODE[peer] ?? 1005);
      // Peers that do not support a Close without a code answer with 1000.
      expect(await ours.closed).toMatchObject({ code: peer in WITHOUT_CODE ? 1000 : 1005, wasClean: true });
    });

    test("both close at once", async () => {
      const { ours, theirs } = await open();
      theirs.close(4000, "they");
      ours.close(4001, "we");
      expect(await ours.closed).toMatchObject({ code: 4000, reason: "they", wasClean: true });
      await theirs.closed;
      expect(ours.protocol.state).toBe("closed");
      expect(ours.errors).toEqual([]);
    });

    test("they notice when we cut the connection", async () => {
      const { ours, theirs } = await open();
      ours.send("last");
      expect(await theirs.messages.next()).toBe("last");
      ours.abort();
      expect((await theirs.closed).code).toBe(1006);
      expect(await ours.closed).toMatchObject({ code: 1006, wasClean: false });
    });

    // websocket-node's server ignores these frames, and a client should not send before the response arrives.
    test.skipIf(peer === "websocket-node" && !weServe)("they read frames that arrive with the handshake", async () => {
      const { ours, theirs } = await open({ early: ["one", "two"] });
      expect(await theirs.messages.take(2)).toEqual(["one", "two"]);
      theirs.send("three");
      expect(await ours.messages.next()).toBe("three");
    });
  });
}

const able = (what: "sendFragments" | "ping" | "closeWithoutCode" | "abort") =>
  PAIRS.filter(({ peer }) => {
    if (peer === "undici") return what === "ping" || what === "closeWithoutCode";
    if (peer === "global WebSocket") return what === "closeWithoutCode";
    return peer !== "websocket-node" || what !== "closeWithoutCode";
  });

describe("features that only some peers can send", () => {
  test.each(able("sendFragments"))("we receive fragments with Pings in between: $name", async ({ open }) => {
    const { ours, theirs } = await open();
    theirs.sendFragments!(TEXT_PARTS);
    expect(await ours.messages.next()).toBe(TEXT_PARTS.join(""));
    expect(await ours.pings.take(3)).toEqual(["between 1", "between 2", "between 3"]);
    expect(await theirs.pongs.take(3)).toEqual(["between 1", "between 2", "between 3"]);
    theirs.sendFragments!(BINARY_PARTS);
    expect(Buffer.compare((await ours.messages.next()) as Buffer, Buffer.concat(BINARY_PARTS))).toBe(0);
  });

  test.each(able("sendFragments"))("we deliver their fragments in pieces: $name", async ({ open }) => {
    const { ours, theirs } = await open({ protocol: { fragments: true } });
    theirs.sendFragments!(TEXT_PARTS);
    theirs.close(1000, "");
    await ours.closed;
    expect(ours.pieces.join("")).toBe(TEXT_PARTS.join(""));
    expect(ours.pieces.length).toBeGreaterThanOrEqual(3);
  });

  test.each(able("ping"))("we answer Pings with the same payload: $name", async ({ open }) => {
    const { ours, theirs } = await open();
    for (const payload of ["", "are you there", "x".repeat(125)]) {
      theirs.ping!(payload);
      expect(await ours.pings.next()).toBe(payload);
      expect(await theirs.pongs.next()).toBe(payload);
    }
  });

  test.each(able("closeWithoutCode"))("we report 1005 for a Close without a code: $name", async ({ open, peer }) => {
    const { ours, theirs } = await open();
    theirs.closeWithoutCode!();
    expect(await ours.closed).toMatchObject({ code: 1005, reason: "", wasClean: true });
    expect((await theirs.closed).code).toBe(WITHOUT_CODE[peer] ?? 1005);
  });

  test.each(able("abort"))("we report 1006 for an end without a Close: $name", async ({ open }) => {
    const { ours, theirs } = await open();
    theirs.send("last");
    expect(await ours.messages.next()).toBe("last");
    theirs.abort!();
    expect(await ours.closed).toMatchObject({ code: 1006, wasClean: false });
    expect(ours.protocol.state).toBe("closed");
  });
});

describe("through node:http", () => {
  const weServe = PAIRS.filter((pair) => pair.weServe);

  test.each(weServe)("accepts its IncomingMessage and head: $name", async ({ open }) => {
    const { ours, theirs } = await open({ http: true, protocols: ["chat"], early: ["hello"] });
    expect(theirs.subprotocol).toBe("chat");
    expect(await theirs.messages.next()).toBe("hello");
    theirs.send("hello yourself");
    expect(await ours.messages.next()).toBe("hello yourself");
    ours.close(1000, "done");
    expect(await theirs.closed).toMatchObject({ code: 1000, reason: "done" });
  });

  test.each([true, false])("keeps frames that arrive with the request (http %s)", async (http) => {
    const { url, connections } = await serve({ http });
    const client = await dial(url, { early: ["one", "two"] });
    const server = await connections.next();
    expect(await server.messages.take(2)).toEqual(["one", "two"]);
    client.close(1000, "");
    expect(await client.closed).toMatchObject({ code: 1000, wasClean: true });
  });
});

describe("our client with our server", () => {
  test.each([1, 3, 1000])("exchange everything, in pieces of %i", async (pieces) => {
    const { url, connections } = await serve({ pieces, accept: { protocols: ["chat"] }, early: ["first"] });
    const client = await dial(url, { pieces, request: { protocols: ["chat"] } });
    const server = await connections.next();
    expect([client.subprotocol, server.subprotocol]).toEqual(["chat", "chat"]);
    expect(await client.messages.next()).toBe("first");
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      from.sendFragments(TEXT_PARTS);
      expect(await to.messages.next()).toBe(TEXT_PARTS.join(""));
      expect(await to.pings.take(3)).toHaveLength(3);
      expect(await from.pongs.take(3)).toHaveLength(3);
      from.burst(TEXTS);
      expect(await to.messages.take(TEXTS.length)).toEqual(TEXTS);
    }
    server.close(1001, "going away");
    expect(await client.closed).toMatchObject({ code: 1001, reason: "going away", wasClean: true });
    expect(await server.closed).toMatchObject({ code: 1001, wasClean: true });
  });
});
