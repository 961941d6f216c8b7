// Extensions other than permessage-deflate, through the same interface (RFC 6455 §9).

import { describe, expect, test } from "vitest";
import {
  acceptHandshake,
  checkResponse,
  createRequest,
  type Extension,
  perMessageDeflate,
  PreparedMessage,
  Protocol,
  WebSocketError,
} from "../../src/index.ts";
import { concat } from "../reference/serialize.ts";
import { ping, short, text, toRole, utf8, written } from "../support/wire.ts";

/** Adds the number in its parameter to every byte, and owns an RSV bit. Leaves the text "plain" unchanged. */
function shift(name: string, rsv: number, by: number): Extension {
  return {
    name,
    rsv,
    offer: () => [[["by", String(by)]]],
    accept: (offer) => (offer.length === 1 && offer[0]![0] === "by" ? offer : undefined),
    confirm: (response) => response.length === 1 && response[0]![1] === String(by),
    open(_role, [[, value] = ["by", "1"]]) {
      const add = (bytes: Uint8Array, amount: number) => Uint8Array.from(bytes, (byte) => byte + amount);
      return {
        encode: ({ payload, first, compress }) =>
          first && compress === false ? undefined : add(payload, Number(value)),
        decode({ payload, byteOffset }) {
          if (payload.length === 13) {
            throw new WebSocketError("WS_ERR_INVALID_COMPRESSED_DATA", "unlucky", {
              closeCode: 1007,
              byteOffset,
              rule: name,
            });
          }
          return add(payload, -Number(value));
        },
      };
    },
  };
}

function connect(extensions: readonly Extension[], accepted: readonly Extension[] = extensions) {
  const request = createRequest("ws://localhost/", { extensions });
  const acceptance = acceptHandshake(request, { extensions: accepted });
  if (!acceptance.accepted) throw acceptance.error;
  const agreement = checkResponse(acceptance, request);
  return {
    agreement,
    client: new Protocol({ role: "client", extensions: agreement.extensions }),
    server: new Protocol({ role: "server", extensions: acceptance.extensions }),
  };
}

describe("a custom extension", () => {
  const one = shift("x-shift", 2, 3);

  test("is negotiated, and changes messages both ways, also fragments and pieces", () => {
    const { agreement, client, server } = connect([one]);
    expect(agreement.extensions.map(({ extension, parameters }) => [extension.name, parameters])).toEqual([
      ["x-shift", [["by", "3"]]],
    ]);
    client.send("abc");
    client.send("plain", { compress: false });
    client.send("piece ", { fin: false });
    client.ping("not changed");
    client.send("by piece");
    client.send(new PreparedMessage("prepared"));
    client.send("fragments", { fragmentSize: 4 });
    const bytes = concat(client.take());
    expect(short(server.receive(bytes))).toEqual([
      "text:abc",
      "text:plain",
      "ping:not changed",
      "text:piece by piece",
      "text:prepared",
      "text:fragments",
    ]);
    server.take();
    server.send("def");
    const [frame] = written(server, "server");
    expect([frame!.rsv, Buffer.from(frame!.payload).toString()]).toEqual([2, "ghi"]);
  });

  test("several are applied in the order of the response, and undone in reverse", () => {
    const { client, server } = connect([shift("x-one", 2, 1), perMessageDeflate({ threshold: 0 })]);
    client.send("a message ".repeat(50));
    const bytes = concat(client.take());
    expect(short(server.receive(bytes))).toEqual([`text:${"a message ".repeat(50)}`]);
  });

  test("checks text after decoding", () => {
    const server = new Protocol({ role: "server", extensions: [one] });
    const bad = Uint8Array.of(0, 1);
    const events = server.receive(toRole("server", { opcode: 1, rsv: 2, payload: bad }, text("after")));
    expect(short(events)[0]).toMatch(/^error:WS_ERR_INVALID_UTF8/);
    expect(server.error).toMatchObject({ closeCode: 1007 });
    const loose = new Protocol({ role: "server", extensions: [one], allowInvalidUtf8: true });
    expect(short(loose.receive(toRole("server", { opcode: 1, rsv: 2, payload: bad })))).toEqual(["text:\ufffd\0"]);
  });

  test("an error of the extension fails the connection at the end of the message", () => {
    const server = new Protocol({ role: "server", extensions: [one] });
    const bytes = toRole("server", text("ok"), { opcode: 1, rsv: 2, payload: new Uint8Array(13) }, text("after"));
    const end = bytes.length - toRole("server", text("after")).length;
    expect(short(server.receive(bytes))).toEqual([
      "text:ok",
      `error:WS_ERR_INVALID_COMPRESSED_DATA@${end}`,
      "close:1006: not clean",
    ]);
  });

  test("delivers decoded messages as one piece with the option fragments", () => {
    const server = new Protocol({ role: "server", extensions: [one], fragments: true });
    const bytes = toRole(
      "server",
      { opcode: 1, rsv: 2, fin: false, payload: Uint8Array.from(utf8("ab"), (byte) => byte + 1) },
      ping(),
      { opcode: 0, payload: Uint8Array.from(utf8("cd"), (byte) => byte + 1) },
      text("plain"),
    );
    expect(short(server.receive(bytes))).toEqual([
      "ping:",
      "start:text",
      "piece:abcd",
      "end",
      "start:text",
      "piece:plain",
      "end",
    ]);
  });

  test("refuses an RSV bit that no extension owns", () => {
    const server = new Protocol({ role: "server", extensions: [one] });
    expect(short(server.receive(toRole("server", text("x", { rsv: 4 }))))[0]).toMatch(/^error:WS_ERR_UNEXPECTED_RSV_1/);
  });

  test("refuses two extensions that share an RSV bit", () => {
    expect(() => new Protocol({ role: "server", extensions: [one, shift("x-other", 2, 1)] })).toThrow(/RSV bit/);
  });
});

describe("permessage-deflate through Protocol", () => {
  test("compresses a prepared message once per set of parameters, also between other messages", () => {
    const pairs = Array.from({ length: 3 }, () => connect([perMessageDeflate({ threshold: 0 })]));
    const prepared = new PreparedMessage("the same for all ".repeat(20));
    for (const { client, server } of pairs) {
      for (let i = 0; i < 3; i++) {
        server.send(`only for one ${i} `.repeat(20));
        server.send(prepared);
        server.send("not compressed", { compress: false });
        expect(short(client.receive(concat(server.take())))).toEqual([
          `text:${`only for one ${i} `.repeat(20)}`,
          `text:${"the same for all ".repeat(20)}`,
          "text:not compressed",
        ]);
        client.send(prepared);
        expect(short(server.receive(concat(client.take())))).toEqual([`text:${"the same for all ".repeat(20)}`]);
      }
    }
    // Two connections that send nothing else share the buffer of the frame.
    const [a, b] = pairs.map(({ server }) => {
      server.send(prepared);
      return server.take()[0]!;
    });
    expect(a!.buffer).toBe(b!.buffer);
    expect(a!.length).toBeLessThan(60);
  });

  test("an Extension without an agreement works like one without parameters", () => {
    const client = new Protocol({ role: "client", extensions: [perMessageDeflate()] });
    const server = new Protocol({ role: "server", extensions: [perMessageDeflate()] });
    for (let i = 0; i < 5; i++) {
      client.send(`{"number":${i},"text":"${"compressible ".repeat(200)}"}`);
      const bytes = concat(client.take());
      expect(bytes.length).toBeLessThan(200);
      expect(short(server.receive(bytes))).toHaveLength(1);
    }
  });
});
