// permessage-deflate: offers, responses, and which messages are compressed.

import { deflateRawSync } from "node:zlib";
import { describe } from "vitest";
import { request } from "../node/support/peer.ts";
import { both, differs, each } from "./support/both.ts";
import type { ClientOptions, ServerOptions } from "./support/implementations.ts";
import { accept } from "./support/lab.ts";
import { reached, until } from "./support/log.ts";

type Deflate = ServerOptions["perMessageDeflate"];

const long = "compressible ".repeat(200);

describe("the offer of a client", () => {
  for (const [what, value] of [
    ["undefined", undefined],
    ["true", true],
    ["false", false],
    ["{}", {}],
    ["serverNoContextTakeover", { serverNoContextTakeover: true }],
    ["clientNoContextTakeover", { clientNoContextTakeover: true }],
    ["serverMaxWindowBits", { serverMaxWindowBits: 10 }],
    ["clientMaxWindowBits", { clientMaxWindowBits: 11 }],
    ["clientMaxWindowBits: true", { clientMaxWindowBits: true }],
    ["clientMaxWindowBits: false", { clientMaxWindowBits: false }],
    [
      "all",
      { serverNoContextTakeover: true, clientNoContextTakeover: true, serverMaxWindowBits: 9, clientMaxWindowBits: 9 },
    ],
  ] as readonly (readonly [string, Deflate])[]) {
    each(what, async (lab) => {
      const { url, peers } = await lab.listen(() => {});
      lab.connect(url, value === undefined ? {} : { perMessageDeflate: value });
      await reached(
        () => peers[0] !== undefined && peers[0].head !== "" && peers[0].text.includes("\r\n\r\n"),
        () => "no request",
      );
      return [String(peers[0]!.field("Sec-WebSocket-Extensions"))];
    });
  }
});

describe("the response of a server", () => {
  const offers = [
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; client_max_window_bits=10",
    "permessage-deflate; server_max_window_bits=10",
    "permessage-deflate; server_no_context_takeover",
    "permessage-deflate; client_no_context_takeover",
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12; client_max_window_bits=13",
    "permessage-deflate; server_max_window_bits=8, permessage-deflate",
    "x-other, permessage-deflate",
    "x-other",
    'permessage-deflate; server_max_window_bits="11"',
    "permessage-deflate; unknown",
    "permessage-deflate; server_max_window_bits=7",
    "permessage-deflate; server_max_window_bits",
    "permessage-deflate; server_no_context_takeover=1",
    "permessage-deflate; client_max_window_bits=16",
    "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
    "permessage-deflate; ;",
    ",,",
  ];
  const options: readonly (readonly [string, Deflate])[] = [
    ["false", false],
    ["true", true],
    ["serverNoContextTakeover", { serverNoContextTakeover: true }],
    ["serverNoContextTakeover: false", { serverNoContextTakeover: false }],
    ["clientNoContextTakeover", { clientNoContextTakeover: true }],
    ["serverMaxWindowBits: 10", { serverMaxWindowBits: 10 }],
    ["serverMaxWindowBits: false", { serverMaxWindowBits: false as never }],
    ["clientMaxWindowBits: 10", { clientMaxWindowBits: 10 }],
    ["clientMaxWindowBits: false", { clientMaxWindowBits: false as never }],
  ];
  for (const [what, perMessageDeflate] of options) {
    each(`perMessageDeflate: ${what}`, async (lab) => {
      const { server, port } = await lab.serve({ perMessageDeflate: perMessageDeflate! });
      const extensions: string[] = [];
      server.on("connection", (socket) => extensions.push(socket.extensions));
      const answers: Record<string, string> = {};
      for (const offer of offers) {
        const raw = await lab.dial(port, request({ "Sec-WebSocket-Extensions": offer }));
        await raw.handshake();
        answers[offer] = `${raw.text.slice(9, 12)} ${raw.field("Sec-WebSocket-Extensions")}`;
      }
      return { answers, extensions };
    });
  }

  differs(
    "an offer with an unknown parameter before one without",
    "an invalid offer of compression",
    async (lab) => {
      const { port } = await lab.serve({ perMessageDeflate: true });
      const offer = "permessage-deflate; unknown, permessage-deflate";
      const raw = await lab.dial(port, request({ "Sec-WebSocket-Extensions": offer }));
      await raw.handshake();
      return `${raw.text.slice(9, 12)} ${raw.field("Sec-WebSocket-Extensions")}`;
    },
    { ws: "400 undefined", wsframe: "101 permessage-deflate" },
  );

  each("a server does not compress by default", async (lab) => {
    const { server, port } = await lab.serve();
    const extensions: string[] = [];
    server.on("connection", (socket) => extensions.push(`"${socket.extensions}"`));
    const raw = await lab.dial(port, request({ "Sec-WebSocket-Extensions": "permessage-deflate" }));
    await raw.handshake();
    return [...extensions, String(raw.field("Sec-WebSocket-Extensions"))];
  });

  each("a server without compression ignores an invalid field", async (lab) => {
    const { port } = await lab.serve();
    const raw = await lab.dial(port, request({ "Sec-WebSocket-Extensions": "permessage-deflate; ;" }));
    await raw.handshake();
    return raw.text.slice(9, 12);
  });
});

describe("the response that a client accepts", () => {
  const answers = [
    "permessage-deflate",
    "permessage-deflate; server_no_context_takeover",
    "permessage-deflate; client_no_context_takeover",
    "permessage-deflate; client_max_window_bits=10",
    "permessage-deflate; server_max_window_bits=10",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; unknown",
    "x-other",
    "permessage-deflate, x-other",
    "permessage-deflate; ;",
  ];
  const options: readonly (readonly [string, Deflate])[] = [
    ["true", true],
    ["false", false],
    ["clientNoContextTakeover: false", { clientNoContextTakeover: false }],
    ["clientMaxWindowBits: 9", { clientMaxWindowBits: 9 }],
    ["clientMaxWindowBits: false", { clientMaxWindowBits: false as never }],
  ];
  for (const [what, perMessageDeflate] of options) {
    each(`perMessageDeflate: ${what}`, async (lab) => {
      const results: Record<string, unknown> = {};
      for (const answer of answers) {
        const { url } = await lab.listen((raw) => accept(raw, `Sec-WebSocket-Extensions: ${answer}\r\n`));
        const { socket, log } = lab.connect(url, { perMessageDeflate: perMessageDeflate! });
        await reached(
          () => log.includes("open") || log.some((line) => line.startsWith("close")),
          () => log.join(),
        );
        results[answer] = [...log, `extensions "${socket.extensions}"`];
      }
      return results;
    });
  }
});

differs(
  "a response with permessage-deflate twice",
  "a response that accepts compression twice",
  async (lab) => {
    const fields = "Sec-WebSocket-Extensions: permessage-deflate, permessage-deflate\r\n";
    const { url } = await lab.listen((raw) => accept(raw, fields));
    const { log } = lab.connect(url);
    await reached(
      () => log.length > 1,
      () => log.join(),
    );
    return log[1];
  },
  { ws: "open", wsframe: "error Error: Server indicated an extension that was not requested" },
);

describe("messages", () => {
  const settings: readonly (readonly [string, Deflate, Deflate])[] = [
    ["default options", true, true],
    ["without context takeover", { serverNoContextTakeover: true, clientNoContextTakeover: true }, true],
    ["small windows", { serverMaxWindowBits: 9, clientMaxWindowBits: 9 }, true],
    [
      "options of the client",
      true,
      { serverNoContextTakeover: true, serverMaxWindowBits: 10, clientMaxWindowBits: 10 },
    ],
    ["threshold: 0", { threshold: 0 }, { threshold: 0 }],
    [
      "options of zlib",
      { zlibDeflateOptions: { level: 9, memLevel: 9, chunkSize: 1024 }, zlibInflateOptions: { chunkSize: 1024 } },
      { zlibDeflateOptions: { level: 1 }, concurrencyLimit: 2 },
    ],
    ["a strategy of zlib", { zlibDeflateOptions: { strategy: 3 } }, { zlibDeflateOptions: { strategy: 2 } }],
    ["level 0", { zlibDeflateOptions: { level: 0 } }, { zlibDeflateOptions: { level: 0 } }],
  ];
  for (const [what, server, client] of settings) {
    both(`both ways: ${what}`, async (lab) => {
      const pair = await lab.pair({ server: { perMessageDeflate: server! }, client: { perMessageDeflate: client! } });
      const { log } = pair;
      pair.peer.on("message", (data, isBinary) => pair.peer.send(data, { binary: isBinary }));
      const extensions = [pair.client.extensions, pair.peer.extensions];
      for (const data of ["", "short", long, long, Buffer.from(long), Buffer.alloc(70_000, "abc"), "größer €"]) {
        pair.client.send(data);
      }
      pair.client.send(long, { compress: false });
      pair.client.send("part ".repeat(500), { fin: false });
      pair.client.send("part two ".repeat(500), { fin: false });
      pair.client.ping("between");
      pair.client.send("");
      pair.client.close(1000, "end");
      await until(log.peer, "close");
      await until(log.client, "close");
      // A Pong does not wait for a long message that is being compressed.
      const isPong = (entry: string): boolean => entry.startsWith("pong");
      const [pongs, others] = [log.client.filter(isPong), log.client.filter((entry) => !isPong(entry))];
      return { extensions, peer: log.peer, client: others, pongs };
    });
  }

  both("calls callbacks in order, compressed or not", async (lab) => {
    const { client, log } = await lab.pair({ server: { perMessageDeflate: true } });
    const order: string[] = [];
    log.peer.length = 0;
    client.send(long, () => order.push("1"));
    client.send("2", { compress: false }, () => order.push("2"));
    client.ping("3", undefined, () => order.push("3"));
    client.send(new Blob([long]), () => order.push("4"));
    client.send(Buffer.from(long), () => order.push("5"));
    await reached(
      () => order.length === 5,
      () => order.join(),
    );
    client.close();
    await until(log.peer, "close");
    return { order, log: log.peer };
  });

  differs(
    "terminate() right after compressible messages: whether their callbacks get errors",
    "where messages are compressed",
    async (lab) => {
      const { socket, log } = await lab.serverAgainstRaw(
        { perMessageDeflate: { threshold: 0 } },
        request({ "Sec-WebSocket-Extensions": "permessage-deflate" }),
      );
      const results: boolean[] = [];
      socket.send(Buffer.alloc(1 << 14), (error) => results.push(error instanceof Error));
      socket.send("next", (error) => results.push(error instanceof Error));
      socket.terminate();
      await until(log, "close");
      await reached(
        () => results.length === 2,
        () => "no callbacks",
      );
      return results;
    },
    { ws: [true, true], wsframe: [false, false] },
  );

  each("terminate() right after a long compressible message: callbacks get errors", async (lab) => {
    const { socket, log } = await lab.serverAgainstRaw(
      { perMessageDeflate: { threshold: 0 } },
      request({ "Sec-WebSocket-Extensions": "permessage-deflate" }),
    );
    const results: boolean[] = [];
    socket.send(Buffer.alloc(1 << 24), (error) => results.push(error instanceof Error));
    socket.ping("", undefined, (error) => results.push(error instanceof Error));
    socket.send("next", (error) => results.push(error instanceof Error));
    socket.terminate();
    await until(log, "close");
    await reached(
      () => results.length === 3,
      () => "no callbacks",
    );
    return results;
  });

  const noTakeover = "permessage-deflate; server_no_context_takeover";
  for (const [what, options, offer] of [
    ["the default threshold, without context takeover", {}, noTakeover],
    ["the default threshold, which has no effect with context takeover", {}, "permessage-deflate"],
    ["threshold: 10", { threshold: 10 }, noTakeover],
    ["threshold: 0", { threshold: 0 }, noTakeover],
  ] as const) {
    each(what, async (lab) => {
      const { socket, raw } = await lab.serverAgainstRaw(
        { perMessageDeflate: options },
        request({ "Sec-WebSocket-Extensions": offer }),
      );
      for (const length of [9, 10, 1023, 1024, 2000]) socket.send("x".repeat(length));
      socket.send("ä".repeat(512));
      socket.send(Buffer.alloc(1024));
      socket.send("x".repeat(2000), { compress: false });
      const frames = await raw.seesFrames(8);
      return frames.map((frame) => frame.replace(/ x+/, " …"));
    });
  }

  differs(
    "a first fragment that is shorter than the threshold",
    "which messages are compressed",
    async (lab) => {
      const { socket, raw } = await lab.serverAgainstRaw(
        { perMessageDeflate: true },
        request({ "Sec-WebSocket-Extensions": noTakeover }),
      );
      socket.send("x".repeat(5), { fin: false });
      socket.send("x".repeat(2000));
      return (await raw.seesFrames(2))[0];
    },
    { ws: "text xxxxx more", wsframe: "text … more rsv1" },
  );

  differs(
    "a message that compression would make longer",
    "which messages are compressed",
    async (lab) => {
      const { socket, raw } = await lab.serverAgainstRaw(
        { perMessageDeflate: { threshold: 0 } },
        request({ "Sec-WebSocket-Extensions": noTakeover }),
      );
      socket.send("x");
      return raw.seesFrames(1);
    },
    { ws: ["text … rsv1"], wsframe: ["text x"] },
  );

  each("inflates messages of the peer, also in fragments", async (lab) => {
    const { log, raw } = await lab.serverAgainstRaw(
      { perMessageDeflate: true },
      request({ "Sec-WebSocket-Extensions": "permessage-deflate" }),
    );
    log.length = 0;
    const bytes = deflateRawSync(long, { finishFlush: 2 }).subarray(0, -4);
    raw.write({ opcode: 1, rsv: 4, payload: bytes });
    raw.write(
      { opcode: 2, rsv: 4, fin: false, payload: bytes.subarray(0, 3) },
      { opcode: 0, fin: false, payload: bytes.subarray(3, 3) },
      { opcode: 9, payload: Buffer.from("ping") },
      { opcode: 0, payload: bytes.subarray(3) },
      { opcode: 1, payload: Buffer.from("plain") },
    );
    await until(log, "message", 3);
    return log;
  });

  for (const [what, frame] of [
    ["a ping", { opcode: 9, rsv: 4 }],
    ["a Close", { opcode: 8, rsv: 4 }],
    ["a continuation", { opcode: 0, rsv: 4 }],
  ] as const) {
    each(`refuses RSV1 on ${what}`, async (lab) => {
      const { log, raw } = await lab.serverAgainstRaw(
        { perMessageDeflate: true },
        request({ "Sec-WebSocket-Extensions": "permessage-deflate" }),
      );
      log.length = 0;
      raw.write({ opcode: 1, fin: false, payload: Buffer.from("x") }, frame);
      await raw.gone();
      raw.socket.end();
      await until(log, "close");
      return { log, told: raw.frames };
    });
  }
});

both("extensions is '' if none was negotiated", async (lab) => {
  const { client, peer } = await lab.pair({ client: { perMessageDeflate: false } });
  return [`"${client.extensions}"`, `"${peer.extensions}"`];
});

each("options.perMessageDeflate of a server", async (lab) => {
  const results: unknown[] = [];
  for (const perMessageDeflate of [undefined, true, false, { threshold: 5 }]) {
    const options = perMessageDeflate === undefined ? {} : { perMessageDeflate };
    const { server } = await lab.serve(options as ServerOptions & ClientOptions);
    results.push(JSON.stringify(server.options.perMessageDeflate));
  }
  return results;
});
