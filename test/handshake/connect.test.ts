// WebSocket over HTTP/2 (RFC 8441): the functions alone, and in a session of node:http2.

import { once } from "node:events";
import * as http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { describe, expect, test } from "vitest";
import { acceptHandshake } from "../../src/handshake/accept.ts";
import { checkResponse } from "../../src/handshake/check.ts";
import type { HandshakeError } from "../../src/handshake/errors.ts";
import { createConnectRequest, createRequest, serializeRequest } from "../../src/handshake/request.ts";
import { deflate } from "./support.ts";

const sent = (changes: Record<string, string | undefined> = {}) => ({
  ":method": "CONNECT",
  ":protocol": "websocket",
  ":scheme": "https",
  ":authority": "server.example.com",
  ":path": "/chat",
  "sec-websocket-version": "13",
  origin: "http://www.example.com",
  ...changes,
});

describe("extended CONNECT", () => {
  test("RFC 8441 §5.1: accepts the sample", () => {
    const headers = sent({
      "sec-websocket-protocol": "chat, superchat",
      "sec-websocket-extensions": "permessage-deflate",
    });
    const result = acceptHandshake(
      { headers },
      { protocols: ["chat"], extensions: [deflate], headers: { "Set-Cookie": "a=b" } },
    );
    expect(result).toMatchObject({
      accepted: true,
      status: 200,
      headers: [
        ["sec-websocket-protocol", "chat"],
        ["sec-websocket-extensions", "permessage-deflate"],
        ["set-cookie", "a=b"],
      ],
      protocol: "chat",
    });
    const request = createConnectRequest("wss://server.example.com/chat", {
      protocols: ["chat", "superchat"],
      extensions: [{ ...deflate, offer: () => [[]] }],
      origin: "http://www.example.com",
    });
    expect(Object.fromEntries(request.headers)).toEqual(headers);
    expect(request).toMatchObject({
      method: "CONNECT",
      url: "/chat",
      secure: true,
      host: "server.example.com",
      port: 443,
    });
    expect(acceptHandshake(request, { protocols: ["chat"] })).toMatchObject({ accepted: true, status: 200 });
  });

  test.each<[string, number, Record<string, string | undefined>]>([
    ["CONNECT_PROTOCOL", 501, { ":protocol": "connect-udp" }],
    ["CONNECT_PROTOCOL", 501, { ":protocol": "" }],
    ["METHOD", 405, { ":method": "POST" }],
    ["METHOD", 405, { ":method": "GET", ":protocol": undefined }],
    ["CONNECT_PROTOCOL", 501, { ":protocol": undefined }],
    ["TARGET", 400, { ":scheme": "wss" }],
    ["TARGET", 400, { ":scheme": undefined }],
    ["TARGET", 400, { ":path": undefined }],
    ["TARGET", 400, { ":path": "" }],
    ["TARGET", 400, { ":path": "/a#b" }],
    ["TARGET", 400, { ":path": "https://a/" }],
    ["HOST", 400, { ":authority": undefined }],
    ["HOST", 400, { ":authority": "a b" }],
    ["HOST", 400, { ":authority": "user@a" }],
    ["CONNECTION", 400, { connection: "Upgrade" }],
    ["CONNECTION", 400, { upgrade: "websocket" }],
    ["VERSION", 400, { "sec-websocket-version": undefined }],
    ["VERSION", 400, { "sec-websocket-version": "8" }],
    ["BODY", 400, { "content-length": "2" }],
    ["ORIGIN", 403, { origin: "https://evil.example" }],
    ["PROTOCOL", 400, { "sec-websocket-protocol": "a,a" }],
    ["EXTENSION", 400, { "sec-websocket-extensions": "a;" }],
  ])("%s: %i for %j", (code, status, changes) => {
    const checkOrigin = (origin?: string) => origin === "http://www.example.com";
    const headers = sent(changes);
    const result = acceptHandshake({ headers, httpVersion: "2.0" }, { checkOrigin });
    expect(acceptHandshake({ headers }, { checkOrigin })).toMatchObject({
      accepted: false,
      status,
      headers: result.headers,
    });
    if (result.accepted) throw new Error("It was accepted");
    expect([result.error.code, result.status]).toEqual([`WS_ERR_HANDSHAKE_${code}`, status]);
    const names = result.headers.map(([name]) => name.toLowerCase());
    expect(names).not.toContain("connection");
    expect(names).not.toContain("upgrade");
    expect(names.includes("sec-websocket-version")).toBe(code === "VERSION");
    expect(names.includes("allow")).toBe(code === "METHOD");
  });

  test("is refused over HTTP/1.1", () => {
    expect(acceptHandshake({ headers: sent(), httpVersion: "1.1" })).toMatchObject({ accepted: false, status: 405 });
  });

  test("writes names in lower case, and refuses pseudo-header fields over HTTP/1.1", () => {
    const request = createConnectRequest("ws://[::1]:81/?a", { headers: { "X-Up": "Y" } });
    expect(request.headers).toEqual([
      [":method", "CONNECT"],
      [":protocol", "websocket"],
      [":scheme", "http"],
      [":authority", "[::1]:81"],
      [":path", "/?a"],
      ["sec-websocket-version", "13"],
      ["x-up", "Y"],
    ]);
    expect(() => serializeRequest(request)).toThrow(TypeError);
    expect(() => createConnectRequest("ws://a", { headers: { ":path": "/b" } })).toThrow(TypeError);
  });

  test("checks the response", () => {
    const request = createConnectRequest("wss://a", { protocols: ["x"], extensions: [deflate] });
    expect(checkResponse({ headers: { ":status": 200, "sec-websocket-protocol": "x" } }, request).protocol).toBe("x");
    for (const status of [200, 204, 299]) {
      expect(checkResponse({ status, headers: {} }, request)).toEqual({ protocol: undefined, extensions: [] });
    }
    const agreed = checkResponse(
      { status: 200, headers: { "sec-websocket-extensions": "permessage-deflate" } },
      request,
    );
    expect(agreed.extensions).toHaveLength(1);
    const code = (response: Parameters<typeof checkResponse>[0], to = request) => {
      try {
        return checkResponse(response, to);
      } catch (error) {
        return (error as HandshakeError).code;
      }
    };
    expect(code({ status: 101, headers: {} })).toBe("WS_ERR_HANDSHAKE_STATUS");
    expect(code({ status: 199, headers: {} })).toBe("WS_ERR_HANDSHAKE_STATUS");
    expect(code({ status: 300, headers: {} })).toBe("WS_ERR_HANDSHAKE_STATUS");
    expect(code({ headers: {} })).toBe("WS_ERR_HANDSHAKE_STATUS");
    expect(code({ status: 302, headers: { location: "/" } })).toBe("WS_ERR_HANDSHAKE_REDIRECT");
    expect(code({ status: 401, headers: {} })).toBe("WS_ERR_HANDSHAKE_UNAUTHORIZED");
    expect(code({ status: 200, headers: { "sec-websocket-protocol": "y" } })).toBe("WS_ERR_HANDSHAKE_PROTOCOL");
    expect(code({ status: 200, headers: { "sec-websocket-extensions": "y" } })).toBe("WS_ERR_HANDSHAKE_EXTENSION");
    expect(code({ status: 200, headers: {} }, createRequest("ws://a"))).toBe("WS_ERR_HANDSHAKE_STATUS");
  });
});

describe("node:http2", () => {
  test("connects and rejects, on both sides", async () => {
    const server = http2.createServer({ settings: { enableConnectProtocol: true } });
    server.on("stream", (stream, headers) => {
      const result = acceptHandshake(
        { headers },
        { protocols: ["chat"], checkOrigin: (origin) => origin === undefined },
      );
      stream.respond({ ":status": result.status, ...Object.fromEntries(result.headers) });
      if (result.accepted) stream.pipe(stream);
      else stream.end(result.body);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await once(session, "remoteSettings");
    try {
      const ask = async (options: object) => {
        const request = createConnectRequest("ws://a/chat", options);
        const stream = session.request(Object.fromEntries(request.headers), { endStream: false });
        const [headers] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
        return { request, stream, headers };
      };
      const good = await ask({ protocols: ["superchat", "chat"] });
      expect(checkResponse({ headers: good.headers }, good.request).protocol).toBe("chat");
      good.stream.write("frames");
      expect(String((await once(good.stream, "data"))[0])).toBe("frames");
      good.stream.close();

      const bad = await ask({ origin: "https://b" });
      expect(() => checkResponse({ headers: bad.headers }, bad.request)).toThrow(
        expect.objectContaining({ code: "WS_ERR_HANDSHAKE_STATUS", status: 403 }),
      );
      bad.stream.close();
    } finally {
      session.destroy();
      server.close();
    }
  });

  test("accepts the request of the compatibility API as it is", async () => {
    const server = http2.createServer({ settings: { enableConnectProtocol: true } });
    server.on("connect", () => {});
    const seen = new Promise((resolve) => {
      server.on("stream", (stream, headers) => {
        // A plain object with the properties of Http2ServerRequest.
        const request = { method: headers[":method"], url: headers[":path"], headers, httpVersion: "2.0" };
        resolve(acceptHandshake(request));
        stream.respond({ ":status": 200 });
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const session = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    await once(session, "remoteSettings");
    session.request(Object.fromEntries(createConnectRequest("ws://a/chat").headers)).on("error", () => {});
    expect(await seen).toMatchObject({ accepted: true, status: 200 });
    session.destroy();
    server.close();
  });
});
