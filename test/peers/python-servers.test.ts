// What the Python servers do at this level, feature by feature, from Werkzeug's socket to Socket.IO's packets. This
// package
// must do the same, or the right thing where they are wrong. The tests need no Python.

import { readFileSync } from "node:fs";
import { connect, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import {
  acceptHandshake,
  type AcceptOptions,
  checkResponse,
  createRequest,
  HandshakeError,
  Keepalive,
  perMessageDeflate,
  Protocol,
  type ProtocolEvent,
  type ProtocolOptions,
  rejectHandshake,
  RequestParser,
  ResponseParser,
  type Role,
  serializeRequest,
  serializeResponse,
} from "../../src/index.ts";
import { fields, KEY } from "../handshake/support.ts";
import { concat } from "../reference/serialize.ts";
import { readCaptures } from "../support/captures.ts";
import {
  binary,
  close,
  continuation,
  other,
  ping,
  pong,
  ROLES,
  short,
  text,
  toRole,
  utf8,
  written,
  writtenShort,
} from "../support/wire.ts";
import { cleanUp, dial, listen, serve } from "./support/ours.ts";

const accept = (headers: Record<string, string | string[] | undefined> = {}, options: AcceptOptions = {}) =>
  acceptHandshake({ method: "GET", url: "/chat", httpVersion: "1.1", headers: fields(headers) }, options);

const statusOf = (headers: Record<string, string | string[] | undefined>): number => accept(headers).status;

const fieldOf = (result: ReturnType<typeof accept>, name: string): string | undefined =>
  (result.headers as readonly (readonly [string, string])[]).find(([each]) => each === name)?.[1];

/** The events of frames in short form, and the frames written in answer. */
function reaction(role: Role, bytes: Uint8Array, options: Partial<ProtocolOptions> = {}): [string[], string[]] {
  const protocol = new Protocol({ ...options, role });
  return [short(protocol.receive(bytes)), writtenShort(protocol, role).map((frame) => frame.slice(0, 10))];
}

/** Expects a failure with this code at this byte. */
function expectFailure(role: Role, bytes: Uint8Array, closeCode: number, byteOffset: number): void {
  const [events, answers] = reaction(role, bytes);
  const [error, end, ...rest] = events.slice(-2);
  expect(error).toMatch(new RegExp(`^error:WS_ERR_\\w+@${byteOffset}$`));
  expect(end).toBe("close:1006: not clean");
  expect(rest).toEqual([]);
  expect(answers.at(-1)).toBe(`close:${closeCode}`);
}

describe("Flask and Werkzeug", () => {
  test("recognizes an upgrade by its tokens, in any case and among others", () => {
    for (const connection of ["Upgrade", "upgrade", "keep-alive, Upgrade", "keep-alive,UPGRADE , x"]) {
      for (const upgrade of ["websocket", "WebSocket", "h2c, websocket"]) {
        expect(statusOf({ connection, upgrade }), `${connection}; ${upgrade}`).toBe(101);
      }
    }
    for (const connection of ["close", "upgraded", "not-upgrade", undefined])
      expect(statusOf({ connection })).toBe(400);
    for (const upgrade of ["websockets", "web socket", "", undefined]) expect(statusOf({ upgrade })).toBe(426);
  });

  test("recognizes any other request on the same socket, and can answer it", () => {
    const request = Buffer.from("GET / HTTP/1.1\r\nHost: example.com\r\n\r\n");
    const result = acceptHandshake(new RequestParser().push(request)!.request);
    expect(result).toMatchObject({ accepted: false, status: 426 });
    expect(Buffer.from(serializeResponse(result)).toString()).toMatch(/^HTTP\/1.1 426 Upgrade Required\r\n/);
  });

  test("hands on the bytes after the head", () => {
    const frames = toRole("server", text("first"));
    const request = createRequest("ws://example.com/");
    const found = new RequestParser().push(concat([serializeRequest(request), frames]))!;
    expect(Buffer.compare(found.rest, frames)).toBe(0);
  });
});

describe("gevent-websocket", () => {
  test("accepts version 13, and answers any other with the list of versions", () => {
    expect(statusOf({ "sec-websocket-version": "13" })).toBe(101);
    for (const version of ["8", "7", "0", "14", "013", "13, 8", undefined]) {
      const result = accept({ "sec-websocket-version": version });
      expect(result.status, version).toBe(426);
      expect(fieldOf(result, "Sec-WebSocket-Version")).toBe("13");
    }
  });

  test("requires a key of 16 bytes in base64", () => {
    expect(statusOf({ "sec-websocket-key": KEY })).toBe(101);
    const base64 = (length: number): string => Buffer.alloc(length, 7).toString("base64");
    for (const key of [base64(15), base64(17), base64(0), KEY.slice(0, -2), "no base64 at all, no!!!", undefined]) {
      expect(statusOf({ "sec-websocket-key": key }), key).toBe(400);
    }
  });

  test("answers the key", () => {
    expect(fieldOf(accept(), "Sec-WebSocket-Accept")).toBe("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
  });

  for (const role of ROLES) {
    test(`checks UTF-8 as it arrives: 1007 before the message ends, role ${role}`, () => {
      const begun = toRole(role, text("Zwölf", { fin: false }));
      const wrong = toRole(role, continuation(Uint8Array.of(0x61, 0xc3, 0x28, 0x62), { fin: false }));
      const payloadAt = begun.length + wrong.length - 4;
      expectFailure(role, concat([begun, wrong]), 1007, payloadAt + 2);
      // The error is found even before the end of the frame.
      expectFailure(role, concat([begun, wrong.slice(0, -1)]), 1007, payloadAt + 2);
    });

    test(`accepts a character that is cut between fragments, role ${role}`, () => {
      const bytes = utf8("🥊");
      const frames = Array.from(bytes, (byte, i) => ({
        opcode: i === 0 ? 1 : 0,
        fin: i === 3,
        payload: Uint8Array.of(byte),
      }));
      expect(reaction(role, toRole(role, ...frames))).toEqual([["text:🥊"], []]);
      // The character must be complete at the end of the message.
      const cut = toRole(role, { opcode: 1, payload: bytes.slice(0, 3) });
      expect(reaction(role, cut)[1]).toEqual(["close:1007"]);
    });

    test(`fails with 1002 for invalid frames, role ${role}`, () => {
      for (const frame of [
        { opcode: 3 },
        { opcode: 11 },
        { opcode: 1, rsv: 1 },
        { opcode: 0 },
        { opcode: 9, fin: false },
        { opcode: 9, payload: new Uint8Array(126) },
        { opcode: 8, payload: new Uint8Array(1) },
        close(999),
        close(1005),
        close(1006),
      ]) {
        expect(reaction(role, toRole(role, frame))[1], JSON.stringify(frame)).toEqual(["close:1002"]);
      }
    });

    test(`answers a Ping, also between fragments, role ${role}`, () => {
      const bytes = toRole(role, text("a", { fin: false }), ping("now"), continuation(utf8("b")));
      expect(reaction(role, bytes)).toEqual([["ping:now", "text:ab"], ["pong:now"]]);
    });

    test(`reads a Close as two bytes and a reason, which gevent-websocket does not, role ${role}`, () => {
      // gevent-websocket answers Close(1000, "bye") with the text "bytearray(b'bye')". The first two bytes of that are
      // the code
      // 25209.
      const protocol = new Protocol({ role });
      protocol.receive(toRole(role, close(1000, "bye")));
      const [answer, ...rest] = written(protocol, role);
      expect([...answer!.payload]).toEqual([0x03, 0xe8]);
      expect(rest).toEqual([]);
      const own = new Protocol({ role });
      own.close(1000, "bye");
      expect([...written(own, role)[0]!.payload]).toEqual([0x03, 0xe8, ...utf8("bye")]);
    });
  }

  test("compares subprotocols as whole tokens, where gevent-websocket compares parts", () => {
    const offer = (value: string, protocols: string[]) =>
      fieldOf(accept({ "sec-websocket-protocol": value }, { protocols }), "Sec-WebSocket-Protocol");
    expect(offer("superchat", ["chat"])).toBeUndefined();
    expect(offer("chat", ["superchat"])).toBeUndefined();
    expect(offer("superchat, chat", ["chat"])).toBe("chat");
    expect(offer("Chat", ["chat"])).toBeUndefined();
  });
});

describe("wsproto", () => {
  test("reports every event of a connection without I/O in both roles, from the request to the last Close", () => {
    // Request
    const request = createRequest("ws://example.com/chat?room=1", {
      protocols: ["v2", "v1"],
      extensions: [perMessageDeflate()],
      headers: { Cookie: "a=b" },
    });
    const seen = new RequestParser().push(serializeRequest(request))!.request;
    expect(seen).toMatchObject({ method: "GET", url: "/chat?room=1" });
    expect(seen.headers).toContainEqual(["Host", "example.com"]);
    expect(seen.headers).toContainEqual(["Cookie", "a=b"]);
    expect(seen.headers).toContainEqual(["Sec-WebSocket-Protocol", "v2, v1"]);
    // AcceptConnection
    const accepted = acceptHandshake(seen, {
      protocols: ["v1"],
      extensions: [perMessageDeflate()],
      headers: { "X-Served-By": "us" },
    });
    if (!accepted.accepted) throw accepted.error;
    const { response, rest } = new ResponseParser().push(serializeResponse(accepted))!;
    expect(rest).toHaveLength(0);
    expect(response.headers).toContainEqual(["X-Served-By", "us"]);
    const agreement = checkResponse(response, request);
    expect(agreement.protocol).toBe("v1");
    const client = new Protocol({ role: "client", extensions: agreement.extensions });
    const server = new Protocol({ role: "server", extensions: accepted.extensions });
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      // TextMessage, BytesMessage, Ping, Pong
      from.send("text".repeat(1000));
      from.send(Uint8Array.of(1, 2, 3));
      from.ping("ping");
      from.pong("pong");
      const bytes = concat(from.take());
      expect(bytes.length).toBeLessThan(200);
      expect(short(to.receive(bytes))).toEqual([
        `text:${"text".repeat(1000)}`,
        "binary:\x01\x02\x03",
        "ping:ping",
        "pong:pong",
      ]);
      expect(short(from.receive(concat(to.take())))).toEqual(["pong:ping"]);
    }
    // CloseConnection
    server.close(1001, "bye");
    expect(short(client.receive(concat(server.take())))).toEqual(["close:1001:bye"]);
    expect(short(server.receive(concat(client.take())))).toEqual(["close:1001:"]);
  });

  test("the client gets status, header fields and body of a refusal, as with RejectConnection and RejectData", () => {
    const request = createRequest("ws://example.com/");
    const rejection = rejectHandshake({ status: 403, headers: { "X-Why": "not you" }, body: "Not you" });
    const { response, rest } = new ResponseParser().push(serializeResponse(rejection))!;
    expect(Buffer.from(rest).toString()).toBe("Not you");
    const error = (() => {
      try {
        return checkResponse(response, request);
      } catch (error) {
        return error;
      }
    })();
    expect(error).toBeInstanceOf(HandshakeError);
    expect(error).toMatchObject({ code: "WS_ERR_HANDSHAKE_STATUS", status: 403 });
    expect((error as HandshakeError).headers).toContainEqual(["X-Why", "not you"]);
  });

  for (const role of ROLES) {
    describe(`role ${role}`, () => {
      test("delivers pieces as they arrive and marks the last one, as with frame_finished and message_finished", () => {
        const protocol = new Protocol({ role, fragments: true });
        const first = toRole(role, text("Zwölf Boxkämpfer", { fin: false }));
        expect(short(protocol.receive(first.slice(0, -5)))).toEqual(["start:text", "piece:Zwölf Boxkä"]);
        expect(short(protocol.receive(first.slice(-5)))).toEqual(["piece:mpfer"]);
        expect(short(protocol.receive(toRole(role, ping("?"), continuation(utf8(" jagen")))))).toEqual([
          "ping:?",
          "piece: jagen",
          "end",
        ]);
        expect(short(protocol.receive(toRole(role, binary(Uint8Array.of(65)))))).toEqual([
          "start:binary",
          "piece:A",
          "end",
        ]);
      });

      test("sends a message in pieces, as with message_finished", () => {
        const protocol = new Protocol({ role });
        protocol.send("a", { fin: false });
        protocol.ping("between");
        protocol.send("b", { fin: true });
        expect(writtenShort(protocol, role)).toEqual(["text:a…", "ping:between", "continuation:b"]);
      });

      test("sends lengths in as few bytes as possible, and refuses longer ones with 1002", () => {
        const mask = role === "client" ? 4 : 0;
        for (const [length, header] of [
          [0, 2],
          [125, 2],
          [126, 4],
          [65535, 4],
          [65536, 10],
        ] as const) {
          const protocol = new Protocol({ role });
          protocol.send(new Uint8Array(length));
          expect(concat(protocol.take()).length - length - mask).toBe(header);
        }
        for (const [length, lengthBytes] of [
          [2, 3],
          [125, 3],
          [2, 9],
          [65535, 9],
        ] as const) {
          const frame = toRole(role, binary(new Uint8Array(length), { lengthBytes }));
          expect(reaction(role, frame)[1]).toEqual(["close:1002"]);
        }
      });

      test("fails with 1002 for a 64-bit length with its first bit set", () => {
        const frame = toRole(role, { opcode: 2, lengthBytes: 9, claimedLength: 1n << 63n });
        expect(reaction(role, frame)[1]).toEqual(["close:1002"]);
      });

      test("fails with 1002 for RSV bits that no extension owns", () => {
        for (const rsv of [1, 2, 4, 7]) {
          for (const opcode of [1, 2, 8, 9, 10]) {
            expect(reaction(role, toRole(role, { opcode, rsv }))[1]).toEqual(["close:1002"]);
          }
        }
      });

      test("fails with 1002 for the wrong direction of masking, and sends the right one", () => {
        expect(reaction(role, toRole(other(role), text("hello")))[1]).toEqual(["close:1002"]);
        const protocol = new Protocol({ role });
        protocol.send("hello");
        expect(concat(protocol.take())[1]! >> 7).toBe(role === "client" ? 1 : 0);
      });

      test("has the states OPEN, LOCAL_CLOSING and CLOSED when this side closes first", () => {
        const protocol = new Protocol({ role });
        expect(protocol.state).toBe("open");
        protocol.close(1000);
        expect(protocol.state).toBe("closing");
        // Sending is refused, but everything can be received.
        expect(protocol.send("no")).toBe(false);
        expect(protocol.ping()).toBe(false);
        expect(short(protocol.receive(toRole(role, text("yes"))))).toEqual(["text:yes"]);
        protocol.receive(toRole(role, close(1000)));
        expect(protocol.state).toBe("closed");
      });

      test("has the states OPEN, REMOTE_CLOSING and CLOSED when the peer closes first, and can choose the answer", () => {
        const protocol = new Protocol({ role });
        protocol.receive(toRole(role, close(1000)));
        expect(protocol.state).toBe("closing");
        protocol.close(3000, "mine");
        expect(protocol.state).toBe("closed");
        expect(writtenShort(protocol, role)).toEqual(["close:3000:mine"]);
        expect(protocol.send("no")).toBe(false);
      });

      test("take() answers a Close, which wsproto leaves to its user", () => {
        expect(reaction(role, toRole(role, close(3000)))).toEqual([["close:3000:"], ["close:3000"]]);
      });

      test("reports 1006 at the end of the stream, as with receive_data(None)", () => {
        expect(short(new Protocol({ role }).receiveEnd())).toEqual(["close:1006: not clean"]);
      });

      test("cuts a long reason between two characters", () => {
        const protocol = new Protocol({ role });
        protocol.close(1000, `${"x".repeat(122)}ö`);
        expect(writtenShort(protocol, role)).toEqual([`close:1000:${"x".repeat(122)}`]);
      });

      test("permessage-deflate accepts a Ping between the fragments of a compressed message, which wsproto does not", () => {
        const extensions = [perMessageDeflate({ threshold: 0 })];
        const from = new Protocol({ role: other(role), extensions });
        const to = new Protocol({ role, extensions });
        from.send("a".repeat(100), { fin: false });
        from.ping("between");
        from.send("b".repeat(100));
        expect(short(to.receive(concat(from.take())))).toEqual([
          "ping:between",
          `text:${"a".repeat(100)}${"b".repeat(100)}`,
        ]);
      });
    });
  }

  test("declines invalid parameters, for which wsproto raises an exception", () => {
    for (const parameter of [
      "server_max_window_bits=abc",
      "client_max_window_bits=",
      "server_max_window_bits=16",
      "x",
    ]) {
      const result = accept(
        { "sec-websocket-extensions": `permessage-deflate; ${parameter}` },
        { extensions: [perMessageDeflate()] },
      );
      // An empty value is not valid syntax (RFC 6455 §9.1).
      if (parameter.endsWith("=")) expect(result.status).toBe(400);
      else expect(result).toMatchObject({ status: 101, extensions: [] });
    }
  });
});

describe("simple-websocket and flask-sock", () => {
  test("chooses the subprotocol in the server's order, or with a function, like Server.handshake", () => {
    const offer = { "sec-websocket-protocol": "v1, v2" };
    const spoken = ["v2", "v1"];
    expect(fieldOf(accept(offer, { protocols: spoken }), "Sec-WebSocket-Protocol")).toBe("v2");
    const protocols = (offered: readonly string[]) => offered.find((name) => spoken.includes(name));
    expect(fieldOf(accept(offer, { protocols }), "Sec-WebSocket-Protocol")).toBe("v1");
    expect(fieldOf(accept(offer, { protocols: ["v3"] }), "Sec-WebSocket-Protocol")).toBeUndefined();
  });

  for (const role of ROLES) {
    test(`sends a Ping when it is due, and fails with 1008 without an answer, like ping_interval, role ${role}`, () => {
      const protocol = new Protocol({ role });
      const keepalive = new Keepalive(protocol, 0, { pingInterval: 25_000, pongTimeout: 25_000 });
      expect(keepalive.tick(24_999)).toEqual([]);
      expect(writtenShort(protocol, role)).toEqual([]);
      keepalive.tick(25_000);
      expect(writtenShort(protocol, role)).toEqual(["ping:"]);
      protocol.receive(toRole(role, pong()));
      expect(keepalive.tick(50_000)).toEqual([]);
      keepalive.tick(75_000);
      expect(writtenShort(protocol, role)).toEqual(["ping:"]);
      expect(short(keepalive.tick(100_000)).at(-1)).toBe("close:1006: not clean");
      expect(writtenShort(protocol, role)[0]).toMatch(/^close:1008:/);
    });

    test(`fails with 1009 at the header of a frame, or at the sum of fragments, like max_message_size, role ${role}`, () => {
      const options = { limits: { maxMessage: 100 } };
      const whole = toRole(role, binary(new Uint8Array(100)));
      expect(reaction(role, whole, options)).toEqual([[`binary:${"\0".repeat(100)}`], []]);
      const headerOnly = toRole(role, binary(new Uint8Array(101))).slice(0, role === "server" ? 6 : 2);
      expect(reaction(role, headerOnly, options)[1]).toEqual(["close:1009"]);
      const fragments = toRole(
        role,
        binary(new Uint8Array(60), { fin: false }),
        continuation(new Uint8Array(60), { fin: false }),
      );
      expect(reaction(role, fragments, options)[1]).toEqual(["close:1009"]);
    });

    test(`sends and receives strings as text, and bytes as binary, role ${role}`, () => {
      const protocol = new Protocol({ role });
      protocol.send("str");
      protocol.send(utf8("bytes"));
      expect(writtenShort(protocol, role)).toEqual(["text:str", "binary:bytes"]);
    });
  }

  test("max_message_size applies to the inflated length of a message", () => {
    const extensions = [perMessageDeflate({ threshold: 0 })];
    const client = new Protocol({ role: "client", extensions });
    const server = new Protocol({ role: "server", extensions, limits: { maxMessage: 1000 } });
    client.send("a".repeat(1001));
    server.receive(concat(client.take()));
    expect(writtenShort(server, "server")[0]).toMatch(/^close:1009:/);
  });

  test("closes with a code and a reason, cleanly on both sides", async () => {
    const { url, connections } = await serve({ accept: { protocols: ["chat"] } });
    const client = await dial(url, { request: { protocols: ["chat"], headers: { Cookie: "a=b" } } });
    const server = await connections.next();
    client.close(1000, "Bye");
    expect(await server.closed).toMatchObject({ code: 1000, reason: "Bye", wasClean: true });
    expect(await client.closed).toMatchObject({ code: 1000, wasClean: true });
  });

  test("our client answers a Close, which simple-websocket does not", () => {
    const [events, answers] = reaction("client", toRole("client", close(1000, "bye")));
    expect(events).toEqual(["close:1000:bye"]);
    expect(answers).toEqual(["close:1000"]);
  });
});

describe("Flask-SocketIO and engineio", () => {
  const root = fileURLToPath(new URL("../fixtures/captures/", import.meta.url));
  const names = new Set(["socketio-client-flask-socketio", "python-socketio-socketio"]);

  /** The packets of Engine.IO 4 in the events of one direction: a text with its type, or an attachment. */
  const packetsOf = (events: readonly ProtocolEvent[]): string[] =>
    events
      .filter(({ type }) => type === "text" || type === "binary")
      .map((event) => (event.type === "text" ? event.data : "attachment"));

  describe.each(readCaptures().filter(({ name }) => names.has(name)))("recorded: $name", ({ name, directions }) => {
    const replay = (role: Role): ProtocolEvent[] => {
      const file = role === "server" ? "client.bin" : "server.bin";
      const bytes = new Uint8Array(readFileSync(`${root}${name}/${file}`));
      const found = role === "server" ? new RequestParser().push(bytes)! : new ResponseParser().push(bytes)!;
      return new Protocol({ role }).receive(found.rest);
    };

    test("exchanges 2probe, 3probe and 5 in the upgrade from polling", () => {
      const client = packetsOf(replay("server"));
      const server = packetsOf(replay("client"));
      expect(client.slice(0, 2)).toEqual(["2probe", "5"]);
      expect(server[0]).toBe("3probe");
    });

    test("every text is a packet of the types 0 to 6, most are messages, and the connection ends with a Close", () => {
      for (const role of ROLES) {
        const events = replay(role);
        const packets = packetsOf(events).filter((packet) => packet !== "attachment");
        for (const packet of packets) expect(packet).toMatch(/^[0-6]/);
        expect(packets.filter((packet) => packet.startsWith("4")).length).toBeGreaterThan(10);
        expect(events.at(-1)).toMatchObject({ type: "close", wasClean: true });
        expect(events).toHaveLength(directions.find((direction) => direction.role === role)!.messages.length);
      }
    });

    test("an announced number of binary attachments follows each packet", () => {
      for (const role of ROLES) {
        let due = 0;
        let attachments = 0;
        for (const packet of packetsOf(replay(role))) {
          if (packet === "attachment") {
            attachments++;
            due--;
          } else {
            expect(due).toBe(0);
            // 4 is a message; 5 or 6 is an event or acknowledgement of Socket.IO with this many attachments.
            due = Number(/^4[56](\d+)-/.exec(packet)?.[1] ?? 0);
          }
        }
        expect(due).toBe(0);
        expect(attachments).toBeGreaterThan(3);
      }
    });

    test("Engine.IO's keepalive packets 2 and 3 are ordinary messages", () => {
      const fromServer = packetsOf(replay("client")).filter((packet) => packet === "2");
      const fromClient = packetsOf(replay("server")).filter((packet) => packet === "3");
      expect(fromServer.length).toBeGreaterThan(0);
      expect(fromClient.length).toBe(fromServer.length);
      expect(replay("client").filter(({ type }) => type === "ping" || type === "pong")).toEqual([]);
    });
  });

  test("opens, upgrades, and exchanges keepalive packets and an attachment over a socket", async () => {
    const { url, connections } = await serve();
    const client = await dial(`${url}?EIO=4&transport=websocket`);
    const server = await connections.next();
    server.send('0{"sid":"1","upgrades":[],"pingInterval":25000,"pingTimeout":20000}');
    expect(await client.messages.next()).toMatch(/^0\{/);
    server.send("2");
    expect(await client.messages.next()).toBe("2");
    client.burst(["3", '451-["file",{"_placeholder":true,"num":0}]', Uint8Array.of(1, 2, 3), "1"]);
    expect(await server.messages.take(4)).toEqual([
      "3",
      '451-["file",{"_placeholder":true,"num":0}]',
      Buffer.from([1, 2, 3]),
      "1",
    ]);
  });
});

describe("odd behaviour of real peers", () => {
  for (const role of ROLES) {
    describe(`role ${role}`, () => {
      const closing = (): Protocol => {
        const protocol = new Protocol({ role });
        protocol.close(1000, "bye");
        protocol.take();
        return protocol;
      };

      test("closeTimeout ends the connection if our Close is not answered", () => {
        const protocol = closing();
        const keepalive = new Keepalive(protocol, 0, { closeTimeout: 10_000 });
        expect(keepalive.tick(0)).toEqual([]);
        expect(keepalive.due).toBe(10_000);
        expect(short(keepalive.tick(10_000))).toEqual(["close:1006: not clean"]);
        expect([keepalive.expired, protocol.state]).toEqual([true, "closed"]);
      });

      test("reports a connection that is cut after our Close", () => {
        const protocol = closing();
        expect(short(protocol.receiveEnd())).toEqual(["close:1006: not clean"]);
        expect(protocol.error).toBeUndefined();
      });

      test("reports no error for an invalid code in the answer to our Close, as gevent-websocket sends it", () => {
        const protocol = closing();
        const payload = utf8("bytearray(b'bye')");
        expect((payload[0]! << 8) | payload[1]!).toBe(25_209);
        const events = protocol.receive(toRole(role, { opcode: 8, payload }));
        expect(events.map(({ type }) => type)).toEqual(["close"]);
        expect(protocol.state).toBe("closed");
        expect(protocol.take()).toEqual([]);
      });

      test("reports no error for an HTTP response after our Close, as flask-sock over Werkzeug sends it", () => {
        const http = utf8("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 0\r\n\r\n");
        const protocol = closing();
        const events = protocol.receive(http);
        events.push(...protocol.receiveEnd());
        expect(events.map(({ type }) => type)).toEqual(["close"]);
        expect(protocol.state).toBe("closed");
        expect(protocol.take()).toEqual([]);
        // After the answer to our Close, the bytes are ignored.
        const answered = closing();
        expect(short(answered.receive(concat([toRole(role, close(1000)), http])))).toEqual(["close:1000:"]);
        expect(answered.error).toBeUndefined();
      });

      test("ignores everything after a received Close, in the same chunk or later", () => {
        const protocol = new Protocol({ role });
        const late = [text("late"), ping("late"), close(1001), { opcode: 15, rsv: 7 }];
        expect(short(protocol.receive(toRole(role, close(1000), ...late)))).toEqual(["close:1000:"]);
        expect(protocol.receive(toRole(role, ...late))).toEqual([]);
        expect(writtenShort(protocol, role)).toEqual(["close:1000:"]);
        expect(protocol.receive(toRole(role, ...late))).toEqual([]);
        expect([...protocol.receiveEnd(), ...protocol.take()]).toEqual([]);
        expect(protocol.error).toBeUndefined();
      });
    });
  }

  test("our client closes with a recorded flask-sock on gevent, which sends HTTP after its Close", () => {
    const capture = readCaptures().find(({ name }) => name === "websocket-client-flask-sock-gevent")!;
    for (const { role, stream, trailing } of capture.directions) {
      expect(trailing).toBeDefined();
      const protocol = new Protocol({ role });
      protocol.close(1000, "bye");
      protocol.take();
      const events = protocol.receive(stream);
      expect(events.at(-1)).toMatchObject({ type: "close", code: 1000, reason: "bye", wasClean: true });
      expect(events.filter(({ type }) => type === "error")).toEqual([]);
      expect(protocol.take()).toEqual([]);
    }
  });

  test("keeps frames in the same segment as the 101, even before it is processed", async () => {
    const request = createRequest("ws://example.com/");
    const accepted = acceptHandshake(new RequestParser().push(serializeRequest(request))!.request);
    const frames = toRole("client", text("at once"), ping("?"), close(1000, "that was all"));
    const stream = concat([serializeResponse(accepted), frames]);
    for (let cut = 0; cut <= stream.length; cut++) {
      const parser = new ResponseParser();
      let protocol: Protocol | undefined;
      const events: ProtocolEvent[] = [];
      for (const chunk of [stream.subarray(0, cut), stream.subarray(cut)]) {
        if (protocol !== undefined) {
          events.push(...protocol.receive(chunk));
          continue;
        }
        const found = parser.push(chunk);
        if (found === undefined) continue;
        protocol = new Protocol({ role: "client", extensions: checkResponse(found.response, request).extensions });
        events.push(...protocol.receive(found.rest));
      }
      expect(short(events), `cut at ${cut}`).toEqual(["text:at once", "ping:?", "close:1000:that was all"]);
    }
    const { url, connections } = await serve({ early: ["one", "two"] });
    const client = await dial(url);
    expect(await client.messages.take(2)).toEqual(["one", "two"]);
    await connections.next();
  });

  test("answers Connection: Upgrade exactly, because aiohttp 3.8 refuses a list", () => {
    for (const connection of ["Upgrade", "keep-alive, Upgrade"]) {
      const result = accept({ connection });
      expect(fieldOf(result, "Connection")).toBe("Upgrade");
      expect(Buffer.from(serializeResponse(result)).toString()).toContain("\r\nConnection: Upgrade\r\n");
    }
  });

  test("the connection ends with 1006 if the client never answers our Close, like simple-websocket's", async () => {
    const { url, connections } = await serve();
    const request = createRequest(url);
    const socket = connect(request.port, request.host);
    cleanUp(() => socket.destroy());
    socket.write(serializeRequest(request));
    // The server ends TCP when it has seen the Close.
    socket.on("data", (chunk) => chunk.includes("bye") && socket.end());
    const server = await connections.next();
    server.close(1000, "bye");
    expect(await server.closed).toMatchObject({ code: 1006, wasClean: false });
    expect(server.protocol.state).toBe("closed");
    expect(server.errors).toEqual([]);
  });

  test("a server that answers our Close with HTTP and ends TCP causes no error", async () => {
    const url = await listen(
      createServer((socket) => {
        const parser = new RequestParser();
        socket.on("data", (chunk) => {
          try {
            const found = parser.push(chunk);
            if (found) socket.write(serializeResponse(acceptHandshake(found.request)));
          } catch {
            // The bytes after the head are our client's Close.
            socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
          }
        });
      }),
    );
    const client = await dial(url);
    client.close(1000, "bye");
    expect(await client.closed).toMatchObject({ code: 1006, wasClean: false });
    expect([client.protocol.state, client.errors]).toEqual(["closed", []]);
  });

  test("accepts Firefox's Connection: keep-alive, Upgrade, and tokens in any case", () => {
    expect(statusOf({ connection: "keep-alive, Upgrade" })).toBe(101);
    expect(statusOf({ connection: "KEEP-ALIVE, UPGRADE", upgrade: "WEBSOCKET" })).toBe(101);
    const request = createRequest("ws://example.com/");
    const accepted = acceptHandshake(new RequestParser().push(serializeRequest(request))!.request);
    const shouting = Buffer.from(serializeResponse(accepted))
      .toString()
      .replace("Upgrade: websocket", "UPGRADE: WebSocket")
      .replace("Connection: Upgrade", "connection: keep-alive, UPGRADE");
    const { response } = new ResponseParser().push(Buffer.from(shouting))!;
    expect(checkResponse(response, request).protocol).toBeUndefined();
  });

  test("reads a connection from its request on, cut at each byte as by proxies, and byte by byte", () => {
    const request = createRequest("ws://example.com/", { extensions: [perMessageDeflate()] });
    const frames = toRole(
      "server",
      text("Zwölf", { fin: false }),
      ping("?"),
      continuation(utf8(" 🥊")),
      binary(new Uint8Array(200).fill(65)),
      close(1000, "müde"),
    );
    const stream = concat([serializeRequest(request), frames]);
    const run = (chunks: readonly Uint8Array[]): string[] => {
      const parser = new RequestParser();
      let protocol: Protocol | undefined;
      const events: ProtocolEvent[] = [];
      for (const chunk of chunks) {
        const found = protocol === undefined ? parser.push(chunk) : undefined;
        if (found) {
          const result = acceptHandshake(found.request);
          expect(result.accepted).toBe(true);
          protocol = new Protocol({ role: "server" });
          events.push(...protocol.receive(found.rest));
        } else {
          events.push(...(protocol?.receive(chunk) ?? []));
        }
      }
      return short(events);
    };
    const expected = ["ping:?", "text:Zwölf 🥊", `binary:${"A".repeat(200)}`, "close:1000:müde"];
    expect(run([stream])).toEqual(expected);
    for (let cut = 1; cut < stream.length; cut++) {
      expect(run([stream.subarray(0, cut), stream.subarray(cut)]), `cut at ${cut}`).toEqual(expected);
    }
    expect(run(Array.from(stream, (_, i) => stream.subarray(i, i + 1)))).toEqual(expected);
  });
});
