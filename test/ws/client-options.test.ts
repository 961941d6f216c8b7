// Options of a client: the URL, the request, redirects, timeouts and TLS.

import { Agent, createServer, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, createServer as createHttpsServer } from "node:https";
import { connect as connectSocket, type Socket as NetSocket } from "node:net";
import type { TLSSocket } from "node:tls";
import { describe, expect } from "vitest";
import { answer, CA, TLS } from "../node/support/peer.ts";
import { both, each } from "./support/both.ts";
import type { ClientOptions } from "./support/implementations.ts";
import { accept, type Lab } from "./support/lab.ts";
import { outcome, reached, showError, until } from "./support/log.ts";
import { text } from "./support/raw.ts";

/** The request that a client sends, without parts that change from run to run. */
async function requestOf(lab: Lab, path: string, ...rest: unknown[]): Promise<string[]> {
  const { url, port, peers } = await lab.listen(() => {});
  lab.connect(`${url}${path}`, ...(rest as [ClientOptions]));
  await reached(
    () => peers.length === 1 && peers[0]!.text.includes("\r\n\r\n"),
    () => "no request",
  );
  return peers[0]!.head
    .split("\r\n")
    .filter((line) => line !== "")
    .map((line) =>
      line.replace(String(port), "port").replace(/^(sec-websocket-key: )[+/0-9A-Za-z]{22}==$/i, "$1(key)"),
    );
}

describe("the URL", () => {
  for (const url of [
    "",
    "nonsense",
    "ftp://localhost",
    "ws://localhost#fragment",
    "ws://localhost/#",
    "ws://",
    "ws+unix:",
    "//localhost",
    "mailto:x",
    undefined,
    42,
    {},
  ]) {
    each(`throws for the URL ${JSON.stringify(url)}, or not`, async (lab) => {
      const { api } = lab;
      return outcome(() => {
        const socket = new api.WebSocket(url as string);
        socket.on("error", () => {});
        socket.terminate();
        return socket.url;
      });
    });
  }

  for (const [url, expected] of [
    ["ws://127.0.0.1:1", undefined],
    ["WS://LOCALHOST:1/Path?q=1", undefined],
    ["http://127.0.0.1:1/a", undefined],
    ["https://127.0.0.1:1/a", undefined],
    ["wss://user:pass@127.0.0.1:1/", undefined],
    ["ws://127.0.0.1:80/", undefined],
    ["ws://[::1]:1/", undefined],
    ["ws://127.0.0.1:1/ä?ö=ü", undefined],
    ["ws+unix:/nowhere:/path", undefined],
  ] as const) {
    each(`socket.url of ${url}`, (lab) => {
      expect(expected).toBeUndefined();
      const results = [url, new URL(url)].map((address) => {
        const socket = new lab.api.WebSocket(address);
        socket.on("error", () => {});
        socket.terminate();
        return socket.url;
      });
      return results;
    });
  }

  both("accepts a URL object", async (lab) => {
    const { server, url } = await lab.serve();
    const urls: (string | undefined)[] = [];
    server.on("connection", (_, request) => urls.push(request.url));
    const address = new URL(`${url}/path?a=b`);
    const { log } = lab.connect(address);
    await until(log, "open");
    return [...log, ...urls];
  });

  both("accepts http: and https: for ws: and wss:", async (lab) => {
    const { url } = await lab.serve();
    const { socket, log } = lab.connect(url.replace("ws:", "http:"));
    await until(log, "open");
    return [...log, socket.url.slice(0, 5)];
  });

  each("does not change a URL object", (lab) => {
    const address = new URL("http://127.0.0.1:1/");
    const socket = new lab.api.WebSocket(address);
    socket.on("error", () => {});
    socket.terminate();
    return address.href;
  });

  each("fails if no server listens", async (lab) => {
    const { url, port } = await lab.listen();
    expect(port).toBeGreaterThan(0);
    await lab.end();
    const { socket, log } = lab.connect(url);
    log.push(`state ${socket.readyState}`);
    await until(log, "close");
    return [...log, `state ${socket.readyState}`];
  });

  each("fails if no server listens on a Unix socket", async (lab) => {
    const { log } = lab.connect("ws+unix:/nowhere/at/all:/path");
    await until(log, "close");
    return log;
  });
});

describe("the request", () => {
  const cases: readonly (readonly [string, string, ...unknown[]])[] = [
    ["default options", "/"],
    ["without compression", "/", { perMessageDeflate: false }],
    ["a path and a query", "/path/x?a=b&c=%20", { perMessageDeflate: false }],
    ["a subprotocol", "/", "chat", { perMessageDeflate: false }],
    ["subprotocols", "/", ["chat", "super.chat"], { perMessageDeflate: false }],
    ["subprotocols in the options", "/", { protocols: ["one", "two"], perMessageDeflate: false }],
    ["one subprotocol in the options", "/", { protocols: "one", perMessageDeflate: false }],
    ["undefined as subprotocols, and subprotocols in the options", "/", undefined, { protocols: ["one"] }],
    ["an empty list of subprotocols", "/", [], { perMessageDeflate: false }],
    ["headers", "/", { headers: { "X-One": "1", Cookie: "a=b" }, perMessageDeflate: false }],
    [
      "headers that the handshake writes itself",
      "/",
      { headers: { Upgrade: "x", Connection: "close" }, perMessageDeflate: false },
    ],
    ["Host in the headers", "/", { headers: { Host: "example.com" }, perMessageDeflate: false }],
    ["origin", "/", { origin: "https://example.com", perMessageDeflate: false }],
    ["origin and version 8", "/", { origin: "https://example.com", protocolVersion: 8, perMessageDeflate: false }],
    ["auth", "/", { auth: "user:pass", perMessageDeflate: false }],
    ["options of http that the URL overrides", "/x", { path: "/other", host: "nowhere", port: 1, method: "POST" }],
    ["an unknown option", "/", { nonsense: true, perMessageDeflate: false }],
  ];
  for (const [what, path, ...rest] of cases) each(what, (lab) => requestOf(lab, path, ...rest));

  each("decodes escaped letters of auth in the URL", async (lab) => {
    const { port, peers } = await lab.listen(() => {});
    lab.connect(`ws://us%3Aer:p%40ss@127.0.0.1:${port}/`);
    await reached(
      () => peers.length === 1 && peers[0]!.text.includes("\r\n\r\n"),
      () => "no request",
    );
    return Buffer.from(peers[0]!.field("Authorization")!.replace("Basic ", ""), "base64").toString();
  });

  each("prefers auth in the URL to the option, and a header to both", async (lab) => {
    const seen: string[] = [];
    for (const [user, options] of [
      ["a:b@", { auth: "c:d" }],
      ["a:b@", { auth: "c:d", headers: { Authorization: "Bearer x" } }],
      ["a@", {}],
      [":b@", {}],
    ] as const) {
      const { port, peers } = await lab.listen(() => {});
      lab.connect(`ws://${user}127.0.0.1:${port}/`, options);
      await reached(
        () => peers.length === 1 && peers[0]!.text.includes("\r\n\r\n"),
        () => "no request",
      );
      seen.push(String(peers[0]!.field("Authorization")));
    }
    return seen;
  });

  for (const protocols of [["a", "a"], [""], ["a b"], ["a,b"], [1], "a b", ["ä"], [undefined]]) {
    each(`refuses the subprotocols ${JSON.stringify(protocols)}`, (lab) => {
      return outcome(() => new lab.api.WebSocket("ws://127.0.0.1:1", protocols as string[]));
    });
  }

  for (const protocolVersion of [7, 12, 14, "13"]) {
    each(`protocolVersion: ${JSON.stringify(protocolVersion)}`, (lab) =>
      outcome(() => new lab.api.WebSocket("ws://127.0.0.1:1", { protocolVersion: protocolVersion as number })),
    );
  }

  both("protocolVersion: 8", async (lab) => {
    const { client, log } = await lab.pair({ client: { protocolVersion: 8 } });
    client.send("x");
    await until(log.peer, "message");
    return log.peer;
  });

  each("does not change the options", async (lab) => {
    const { url } = await lab.listen();
    const options: ClientOptions = Object.freeze({ headers: Object.freeze({ "X-One": "1" }), followRedirects: true });
    const { log } = lab.connect(url, options);
    await until(log, "open");
    return Object.keys(options);
  });

  both("shows the chosen subprotocol on both sides", async (lab) => {
    const pair = await lab.pair({ protocols: ["one", "two"] });
    const none = await lab.pair();
    return [pair.client.protocol, pair.peer.protocol, `"${none.client.protocol}"`, `"${none.peer.protocol}"`];
  });
});

describe("an invalid response", () => {
  const good = (head: string): string => answer(head);
  const cases: readonly (readonly [string, (head: string) => string, string[]?])[] = [
    ["another Upgrade", (head) => good(head).replace("Upgrade: websocket", "Upgrade: other")],
    ["Upgrade in capitals, which is valid", (head) => good(head).replace("Upgrade: websocket", "Upgrade: WebSocket")],
    ["another key", (head) => good(head).replace(/Accept: .*/, "Accept: nonsense")],
    ["no key", (head) => good(head).replace(/Sec-WebSocket-Accept: .*\r\n/, "")],
    ["a subprotocol that was not offered", (head) => with_(good(head), "Sec-WebSocket-Protocol: x")],
    ["another subprotocol", (head) => with_(good(head), "Sec-WebSocket-Protocol: x"), ["y"]],
    ["no subprotocol", good, ["y"]],
    [
      "a subprotocol that was offered, which is valid",
      (head) => with_(good(head), "Sec-WebSocket-Protocol: y"),
      ["x", "y"],
    ],
    ["200", () => "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"],
    ["bytes that are not HTTP", () => "nonsense\r\n\r\n"],
    ["the end of the stream", () => ""],
  ];
  function with_(head: string, line: string): string {
    return head.replace("\r\n\r\n", `\r\n${line}\r\n\r\n`);
  }
  for (const [what, make, protocols] of cases) {
    each(what, async (lab) => {
      const { url } = await lab.listen(async (raw) => {
        await raw.handshake();
        const bytes = make(raw.head);
        if (bytes === "") raw.socket.end();
        else raw.socket.write(bytes);
      });
      const { socket, log } = lab.connect(url, protocols);
      await reached(
        () => log.includes("open") || log.some((line) => line.startsWith("close")),
        () => log.join(),
      );
      return [...log, `state ${socket.readyState}`, `protocol "${socket.protocol}"`];
    });
  }
});

describe("handshakeTimeout", () => {
  each("fails if the server does not answer", async (lab) => {
    const { url, peers } = await lab.listen(() => {});
    const { log } = lab.connect(url, { handshakeTimeout: 40 });
    const start = performance.now();
    await until(log, "close");
    expect(performance.now() - start).toBeGreaterThan(30);
    await peers[0]!.gone();
    return log;
  });

  each("does not end an open connection", async (lab) => {
    const { url, peers } = await lab.listen();
    const { log } = lab.connect(url, { handshakeTimeout: 150 });
    await until(log, "open");
    await new Promise((resolve) => setTimeout(resolve, 180));
    peers[0]!.write(text("x"));
    await until(log, "message");
    return log;
  });
});

describe("redirects", () => {
  const redirect = (location: string, status = 302): string =>
    `HTTP/1.1 ${status} Found\r\nLocation: ${location}\r\nContent-Length: 0\r\n\r\n`;

  each("are not followed by default", async (lab) => {
    const { url } = await lab.listen((raw) => raw.handshake().then(() => raw.socket.write(redirect("/next"))));
    const { log } = lab.connect(url);
    await until(log, "close");
    return log;
  });

  for (const status of [301, 302, 303, 307, 308]) {
    each(`followRedirects: ${status}`, async (lab) => {
      const heads: string[] = [];
      const { url } = await lab.listen(async (raw) => {
        await raw.handshake();
        heads.push(raw.head.split("\r\n", 1)[0]!);
        if (raw.head.startsWith("GET /next")) await accept(raw);
        else raw.socket.write(redirect("/next?a=b", status));
      });
      const { socket, log } = lab.connect(`${url}/first`, { followRedirects: true });
      const seen: string[] = [];
      socket.on("redirect", (next, request) => {
        seen.push(next.replace(/\d{4,}/, "port"), String(request.getHeader("host")).replace(/\d{4,}/, "port"));
      });
      await until(log, "open");
      return { heads, seen, log, url: socket.url.replace(/\d{4,}/, "port") };
    });
  }

  each("fails after maxRedirects redirects", async (lab) => {
    let count = 0;
    const { url } = await lab.listen((raw) => raw.handshake().then(() => raw.socket.write(redirect(`/${++count}`))));
    const { log } = lab.connect(url, { followRedirects: true, maxRedirects: 3 });
    await until(log, "close");
    return { count, log };
  });

  each("follows 10 redirects by default, and none with maxRedirects: 0", async (lab) => {
    let count = 0;
    const { url } = await lab.listen((raw) => raw.handshake().then(() => raw.socket.write(redirect(`/${++count}`))));
    const { log } = lab.connect(url, { followRedirects: true });
    await until(log, "close");
    const none = lab.connect(url, { followRedirects: true, maxRedirects: 0 });
    await until(none.log, "close");
    return { count, log, none: none.log };
  });

  for (const location of ["ws://[nonsense", "ftp://127.0.0.1/", "/next#fragment", "mailto:x"]) {
    each(`fails for the invalid location ${location}`, async (lab) => {
      const { url } = await lab.listen((raw) => raw.handshake().then(() => raw.socket.write(redirect(location))));
      const { log } = lab.connect(url, { followRedirects: true });
      await until(log, "close");
      return log;
    });
  }

  each("follows a redirect to http: and back", async (lab) => {
    const target = await lab.listen();
    const { url } = await lab.listen((raw) =>
      raw.handshake().then(() => raw.socket.write(redirect(target.url.replace("ws:", "http:")))),
    );
    const { socket, log } = lab.connect(url, { followRedirects: true });
    await until(log, "open");
    return [...log, socket.url.startsWith("ws:")];
  });

  for (const [what, listens] of [
    ["", false],
    [", unless there is a listener for 'redirect'", true],
  ] as const) {
    each(`drops credentials for another host${what}`, async (lab) => {
      const heads: string[] = [];
      const target = await lab.listen(async (raw) => {
        await raw.handshake();
        heads.push(raw.head);
        await accept(raw);
      });
      const { port } = await lab.listen((raw) =>
        raw.handshake().then(() => raw.socket.write(redirect(`${target.url}/next`))),
      );
      const { socket, log } = lab.connect(`ws://user:pass@127.0.0.1:${port}/`, {
        followRedirects: true,
        headers: { Cookie: "a=b", "X-Kept": "1", Host: "example.com" },
      });
      const seen: string[] = [];
      if (listens) {
        socket.on("redirect", (_, request) => {
          seen.push(
            ...["authorization", "cookie", "host", "x-kept"].map(
              (name) => `${name}: ${String(request.getHeader(name))}`,
            ),
          );
        });
      }
      await until(log, "open");
      const names = ["authorization", "cookie", "host", "x-kept"];
      const fields = names.map((name) => new RegExp(`^${name}: (.*?)\r?$`, "im").exec(heads[0]!)?.[1] ?? "none");
      return { seen, fields: fields.map((field) => field.replace(/\d{4,}/, "port")) };
    });
  }

  each("keeps credentials for the same host", async (lab) => {
    const heads: string[] = [];
    const { port } = await lab.listen(async (raw) => {
      await raw.handshake();
      heads.push(raw.head);
      if (raw.head.startsWith("GET /next")) await accept(raw);
      else raw.socket.write(redirect("/next"));
    });
    const { log } = lab.connect(`ws://user:pass@127.0.0.1:${port}/`, {
      followRedirects: true,
      headers: { Cookie: "a=b" },
    });
    await until(log, "open");
    return heads.map((head) =>
      ["authorization", "cookie"].map((name) => new RegExp(`^${name}: (.*?)\r?$`, "im").exec(head)?.[1]),
    );
  });

  each("close() in the 'redirect' event", async (lab) => {
    const { url } = await lab.listen((raw) => raw.handshake().then(() => raw.socket.write(redirect("/next"))));
    const { socket, log } = lab.connect(url, { followRedirects: true });
    socket.on("redirect", () => socket.close());
    await until(log, "close");
    return log;
  });
});

describe("agent, createConnection and finishRequest", () => {
  both("uses the socket of an agent", async (lab) => {
    const { url } = await lab.serve();
    const agent = new Agent();
    let created = 0;
    const original = agent.createConnection.bind(agent);
    agent.createConnection = (...args) => {
      created++;
      return original(...args);
    };
    const { socket, log } = lab.connect(url, { agent });
    await until(log, "open");
    socket.close();
    await until(log, "close");
    return { created, log };
  });

  each("createConnection", async (lab) => {
    const { url, port } = await lab.listen();
    const seen: unknown[] = [];
    const { log } = lab.connect(url, {
      createConnection: ((options: { host: string; port: string }) => {
        seen.push(options.host, Number(options.port) === port);
        return connectSocket(port, "127.0.0.1");
      }) as never,
    });
    await until(log, "open");
    return { seen, log };
  });

  each("finishRequest sends the request", async (lab) => {
    const { url, peers } = await lab.listen();
    const seen: unknown[] = [];
    const { socket, log } = lab.connect(url, {
      finishRequest: (request, websocket) => {
        seen.push(websocket instanceof lab.api.WebSocket, request.path);
        request.setHeader("X-Late", "1");
        setImmediate(() => request.end());
      },
    });
    await until(log, "open");
    return { seen, log, field: peers[0]!.field("X-Late"), state: socket.readyState };
  });

  each("passes localAddress and family to the socket", async (lab) => {
    const { url, peers } = await lab.listen();
    const { log } = lab.connect(url, { localAddress: "127.0.0.2", family: 4 });
    await until(log, "open");
    return (peers[0]!.socket as NetSocket).remoteAddress;
  });
});

describe("TLS", () => {
  async function secure(lab: Lab, handle?: (request: IncomingMessage) => void): Promise<number> {
    const https = createHttpsServer(TLS);
    const { server } = await lab.serve({ server: https });
    server.on("connection", (socket, request) => {
      handle?.(request);
      socket.on("message", (data) => socket.send(String(data)));
    });
    return (await lab.http(https as never)).port;
  }

  for (const [what, host, options] of [
    ["ca", "localhost", CA],
    ["an IP address", "127.0.0.1", CA],
    ["rejectUnauthorized: false", "127.0.0.1", { rejectUnauthorized: false }],
    ["a certificate of an unknown authority", "127.0.0.1", {}],
    ["servername", "127.0.0.1", { ...CA, servername: "localhost" }],
    ["another servername", "127.0.0.1", { ...CA, servername: "example.com" }],
    ["checkServerIdentity", "127.0.0.1", { ...CA, servername: "example.com", checkServerIdentity: () => undefined }],
    ["an agent", "localhost", { agent: new HttpsAgent(CA) }],
    ["a passphrase that the key does not need", "localhost", { ...CA, passphrase: "x" }],
  ] as const) {
    both(what, async (lab) => {
      const port = await secure(lab);
      const { socket, log } = lab.connect(`wss://${host}:${port}`, options as object);
      socket.on("open", () => socket.send("hello"));
      await reached(
        () => log.some((line) => line.startsWith("message") || line.startsWith("close")),
        () => log.join(),
      );
      return log;
    });
  }

  each("ws: to a TLS server", async (lab) => {
    const port = await secure(lab);
    const { log } = lab.connect(`ws://127.0.0.1:${port}`);
    await until(log, "close");
    return log;
  });

  each("sends a client certificate", async (lab) => {
    const https = createHttpsServer({ ...TLS, ca: TLS.cert, requestCert: true, rejectUnauthorized: true });
    const { server } = await lab.serve({ server: https });
    const seen: unknown[] = [];
    server.on("connection", (_, request) => {
      seen.push((request.socket as TLSSocket).authorized);
    });
    const { port } = await lab.http(https as never);
    const { log } = lab.connect(`wss://localhost:${port}`, { ...CA, cert: TLS.cert, key: TLS.key } as object);
    await until(log, "open");
    await reached(
      () => seen.length > 0,
      () => "no connection",
    );
    return { log, seen };
  });
});

describe("generateMask", () => {
  each("provides the masking-keys", async (lab) => {
    const { url, peers } = await lab.listen();
    let calls = 0;
    const { socket, log } = lab.connect(url, {
      perMessageDeflate: false,
      generateMask: (mask) => {
        calls++;
        mask.fill(calls);
      },
    });
    await until(log, "open");
    socket.send("one");
    socket.send(Buffer.from("two"));
    socket.ping("three");
    await peers[0]!.seesFrames(3);
    const bytes = peers[0]!.received.subarray(peers[0]!.head.length);
    return { calls, bytes: bytes.toString("hex"), frames: peers[0]!.frames };
  });

  each("gets a Buffer of 4 bytes", async (lab) => {
    const { url, peers } = await lab.listen();
    const seen: unknown[] = [];
    const { socket, log } = lab.connect(url, {
      generateMask: (mask) => {
        seen.push(Buffer.isBuffer(mask), mask.length);
        mask.fill(0);
      },
    });
    await until(log, "open");
    socket.send("x");
    await peers[0]!.seesFrames(1);
    return seen;
  });
});

each("fails if the server closes the connection at once", async (lab) => {
  const { http, url } = await lab.http(createServer());
  http.on("connection", (socket) => socket.destroy());
  const { log } = lab.connect(url);
  await until(log, "close");
  return log;
});

each("emits an error with a stack", async (lab) => {
  const { url } = await lab.listen((raw) => raw.socket.end("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"));
  const { socket, log } = lab.connect(url);
  const errors: string[] = [];
  socket.on("error", (error) => errors.push(showError(error), String(error.stack !== undefined)));
  await until(log, "close");
  return errors;
});
