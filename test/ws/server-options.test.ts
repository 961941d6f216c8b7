// A server: listening, its options, its events and close().

import { once } from "node:events";
import { createServer as createHttpServer, get, type IncomingMessage } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { createServer as createNetServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe } from "vitest";
import { CA, request, TLS } from "../node/support/peer.ts";
import { both, each } from "./support/both.ts";
import type { ServerOptions, Socket } from "./support/implementations.ts";
import { outcome, reached, showError, until } from "./support/log.ts";

/** The response to an ordinary request. */
function pageOf(port: number): Promise<unknown[]> {
  return new Promise((resolve) => {
    get({ port, host: "127.0.0.1", agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => {
        const { statusCode, headers } = response;
        resolve([statusCode, headers["content-type"], headers["content-length"], body]);
      });
    });
  });
}

describe("listening", () => {
  for (const [what, options] of [
    ["undefined", undefined],
    ["no options", {}],
    ["port and noServer", { port: 0, noServer: true }],
    ["port and server", { port: 0, server: createHttpServer() }],
    ["server and noServer", { server: createHttpServer(), noServer: true }],
    ["null for all", { port: null, server: null, noServer: false }],
  ] as const) {
    each(`throws for ${what}`, ({ api }) => outcome(() => new api.WebSocketServer(options as ServerOptions)));
  }

  each("supports port, host and the callback", async (lab) => {
    const order: string[] = [];
    const server = new lab.api.WebSocketServer({ port: 0, host: "127.0.0.1" }, () => order.push("callback"));
    lab.atEnd(() => server.close());
    server.on("listening", () => order.push("listening"));
    order.push("returned");
    await once(server, "listening");
    const address = server.address() as { address: string; family: string; port: number };
    return [...order.toSorted(), address.address, address.family, typeof address.port];
  });

  each("emits 'error' if the port is in use", async (lab) => {
    const { port } = await lab.serve();
    const server = new lab.api.WebSocketServer({ port, host: "127.0.0.1" });
    const [error] = (await once(server, "error")) as [Error];
    return showError(error);
  });

  each("answers ordinary requests with 426", async (lab) => {
    const { port } = await lab.serve();
    return pageOf(port);
  });

  each("refuses requests to upgrade to another protocol", async (lab) => {
    const { port } = await lab.serve();
    const raw = await lab.dial(port, request({ Upgrade: "other" }));
    await raw.gone();
    return raw.text;
  });

  both("server: an http server still answers ordinary requests", async (lab) => {
    const http = createHttpServer((_, response) => response.end("page"));
    const { server } = await lab.serve({ server: http });
    const order: string[] = [];
    server.on("listening", () => order.push("listening"));
    server.on("connection", (socket, request) => {
      order.push(`connection ${request.url}`);
      socket.send("hello");
    });
    const { url, port } = await lab.http(http);
    const { socket, log } = lab.connect(`${url}/a?b`);
    await until(log, "message");
    const page = await pageOf(port);
    const same = JSON.stringify(server.address()) === JSON.stringify(http.address());
    socket.close();
    await until(log, "close");
    return { order, page, same, log };
  });

  both("server: supports https", async (lab) => {
    const https = createHttpsServer(TLS, (_, response) => response.end("page"));
    const { server } = await lab.serve({ server: https });
    const secure: boolean[] = [];
    server.options.verifyClient = (info: { secure: boolean }) => {
      secure.push(info.secure);
      return true;
    };
    const { port } = await lab.http(https as never);
    const { socket, log } = lab.connect(`wss://localhost:${port}`, CA as object);
    await until(log, "open");
    socket.send("x");
    socket.close();
    await until(log, "close");
    return { log, secure };
  });

  each("server: emits errors of the http server", async (lab) => {
    const http = createHttpServer();
    const server = new lab.api.WebSocketServer({ server: http });
    const errors: string[] = [];
    server.on("error", (error) => errors.push(error.message));
    http.emit("error", new Error("of http"));
    return errors;
  });

  both("listens on a Unix socket", async (lab) => {
    const path = join(tmpdir(), `wsframe-${process.pid}-${Math.random().toString(36).slice(2)}`);
    const http = createHttpServer();
    const { server } = await lab.serve({ server: http });
    http.listen(path);
    lab.atEnd(() => http.close());
    await once(server, "listening");
    const address = server.address() === path;
    const urls: (string | undefined)[] = [];
    server.on("connection", (_, { url }) => urls.push(url));
    const one = lab.connect(`ws+unix:${path}`);
    await until(one.log, "open");
    const two = lab.connect(`ws+unix:${path}:/chat?a=b`);
    await until(two.log, "open");
    return { address, urls, url: one.socket.url === `ws+unix:${path}`, log: one.log };
  });

  each("passes backlog to listen()", async (lab) => {
    const { server, port } = await lab.serve({ backlog: 3 });
    await (await lab.dial(port)).handshake();
    return server.options.backlog;
  });

  each("address() throws without a server", async (lab) => {
    const { server } = await lab.serve({ noServer: true });
    return outcome(() => server.address());
  });

  each("address() after close()", async (lab) => {
    const { server } = await lab.serve();
    server.close();
    return outcome(() => server.address());
  });

  each("address() before it listens", async (lab) => {
    const { server } = await lab.serve({ server: createHttpServer() });
    return outcome(() => server.address());
  });
});

describe("path", () => {
  for (const [path, url] of [
    ["/chat", "/chat"],
    ["/chat", "/chat?a=b"],
    ["/chat", "/chat/"],
    ["/chat", "/"],
    ["/chat", "/chat#x"],
    ["/", "/"],
    ["/", "/chat"],
  ] as const) {
    each(`${path} and a request to ${url}`, async (lab) => {
      const { port } = await lab.serve({ path });
      const raw = await lab.dial(port, request({}, `GET ${url} HTTP/1.1`));
      await raw.handshake();
      return raw.text.startsWith("HTTP/1.1 101") ? "101" : raw.text;
    });
  }

  each("may be changed", async (lab) => {
    const { server, port } = await lab.serve({ path: "/one" });
    server.options.path = "/two";
    const statuses = [];
    for (const path of ["/one", "/two"]) {
      const raw = await lab.dial(port, request({}, `GET ${path} HTTP/1.1`));
      await raw.handshake();
      statuses.push(raw.text.slice(9, 12));
    }
    return statuses;
  });

  each("shouldHandle() may be replaced", async (lab) => {
    const { server, port } = await lab.serve({ path: "/one" });
    const before = [
      server.shouldHandle({ url: "/one?x" } as IncomingMessage),
      server.shouldHandle({ url: "/" } as IncomingMessage),
    ];
    server.shouldHandle = ({ url }) => url === "/mine";
    const statuses = [];
    for (const path of ["/one", "/mine"]) {
      const raw = await lab.dial(port, request({}, `GET ${path} HTTP/1.1`));
      await raw.handshake();
      statuses.push(raw.text.slice(9, 12));
    }
    return { before, statuses };
  });

  each("shouldHandle() may be overridden in a subclass", async (lab) => {
    class Own extends lab.api.WebSocketServer {
      override shouldHandle(): boolean {
        return false;
      }
    }
    const server = new Own({ port: 0, host: "127.0.0.1" });
    lab.atEnd(() => server.close());
    await once(server, "listening");
    const raw = await lab.dial((server.address() as { port: number }).port);
    await raw.handshake();
    return raw.text;
  });
});

describe("verifyClient", () => {
  const fields = { Origin: "https://example.com" };

  for (const [what, verifyClient] of [
    ["true", () => true],
    ["false", () => false],
    ["undefined", () => undefined],
    ["1", () => 1],
    ["a promise, which is truthy", () => Promise.resolve(false)],
  ] as const) {
    each(`returns ${what}`, async (lab) => {
      const { port } = await lab.serve({ verifyClient: verifyClient as () => boolean });
      const raw = await lab.dial(port);
      await raw.handshake();
      if (!raw.text.startsWith("HTTP/1.1 101")) await raw.gone();
      return raw.text.startsWith("HTTP/1.1 101") ? "101" : raw.text;
    });
  }

  for (const [what, args] of [
    ["true", [true]],
    ["false", [false]],
    ["false and a status", [false, 403]],
    ["false, a status and a body", [false, 403, "not you"]],
    ["false and header fields", [false, 429, "later", { "Retry-After": 5, "X-Other": "a" }]],
    ["false and a content type", [false, 400, "{}", { "Content-Type": "application/json" }]],
    ["false and a rare status", [false, 418, "own"]],
    ["undefined", []],
  ] as const) {
    each(`with a callback: ${what}`, async (lab) => {
      const { port } = await lab.serve({
        verifyClient: (_info, callback) => setImmediate(() => callback(...(args as unknown as [boolean]))),
      });
      const raw = await lab.dial(port);
      await raw.handshake();
      if (!raw.text.startsWith("HTTP/1.1 101")) await raw.gone();
      return raw.text.startsWith("HTTP/1.1 101") ? "101" : raw.text;
    });
  }

  each("gets origin, secure and the request", async (lab) => {
    const seen: unknown[] = [];
    const { port } = await lab.serve({
      verifyClient: (info: { origin: string; secure: boolean; req: IncomingMessage }) => {
        seen.push(Object.keys(info).toSorted(), info.origin, info.secure, info.req.url, info.req.headers.host);
        return true;
      },
    });
    await (await lab.dial(port, request(fields, "GET /x HTTP/1.1"))).handshake();
    await (await lab.dial(port)).handshake();
    return seen.map((one) => one ?? "undefined");
  });

  each("gets the origin of version 8", async (lab) => {
    const seen: unknown[] = [];
    const { port } = await lab.serve({
      verifyClient: ({ origin }: { origin: string }) => {
        seen.push(origin);
        return true;
      },
    });
    const head = { "Sec-WebSocket-Version": "8", "Sec-WebSocket-Origin": "https://old.example", ...fields };
    await (await lab.dial(port, request(head))).handshake();
    return seen;
  });

  each("may be changed while the server runs", async (lab) => {
    const { server, port } = await lab.serve();
    server.options.verifyClient = () => false;
    const raw = await lab.dial(port);
    await raw.handshake();
    return raw.text.slice(0, 12);
  });

  each("may decide after the client has disconnected", async (lab) => {
    const seen: string[] = [];
    const { server, port } = await lab.serve({
      verifyClient: (info, callback) => {
        info.req.socket.destroy();
        callback(true);
        seen.push("answered");
      },
    });
    server.on("connection", () => seen.push("connection"));
    const raw = await lab.dial(port);
    await raw.gone();
    return [...seen, raw.text];
  });
});

describe("handleProtocols and subprotocols", () => {
  for (const [what, options] of [
    ["no handleProtocols", {}],
    ["a choice", { handleProtocols: (protocols: Set<string>) => [...protocols].at(-1)! }],
    ["false", { handleProtocols: () => false }],
    ["''", { handleProtocols: () => "" }],
    ["one that was not offered", { handleProtocols: () => "other" }],
  ] as const) {
    each(`${what}: the response`, async (lab) => {
      const { server, port } = await lab.serve(options as ServerOptions);
      const chosen: string[] = [];
      server.on("connection", (socket) => chosen.push(`"${socket.protocol}"`));
      const raw = await lab.dial(port, request({ "Sec-WebSocket-Protocol": "one, two,three" }));
      await raw.handshake();
      const none = await lab.dial(port);
      await none.handshake();
      return [raw.field("Sec-WebSocket-Protocol") ?? "none", none.field("Sec-WebSocket-Protocol") ?? "none", ...chosen];
    });
  }

  each("handleProtocols gets a Set and the request, and may be changed", async (lab) => {
    const seen: unknown[] = [];
    const { server, port } = await lab.serve();
    server.options.handleProtocols = (protocols, { url }) => {
      seen.push(protocols instanceof Set, [...protocols], url);
      return "two";
    };
    const raw = await lab.dial(port, request({ "Sec-WebSocket-Protocol": "one,two" }));
    await raw.handshake();
    return [...seen, raw.field("Sec-WebSocket-Protocol")];
  });

  each("handleProtocols is not called without an offer", async (lab) => {
    let calls = 0;
    const { port } = await lab.serve({
      handleProtocols: () => {
        calls++;
        return false;
      },
    });
    await (await lab.dial(port)).handshake();
    return [calls];
  });

  for (const value of ["", "one,", "one two", "one,one", ",one", "a;b", "ä"]) {
    each(`refuses the invalid field ${JSON.stringify(value)}`, async (lab) => {
      const { port } = await lab.serve();
      const raw = await lab.dial(port, request().replace("\r\n\r\n", `\r\nSec-WebSocket-Protocol: ${value}\r\n\r\n`));
      await raw.handshake();
      return raw.text.startsWith("HTTP/1.1 101") ? "101" : raw.text;
    });
  }

  each("accepts an offer in two fields", async (lab) => {
    const { port } = await lab.serve();
    const raw = await lab.dial(port, request({ "Sec-WebSocket-Protocol": ["one", "two"] }));
    await raw.handshake();
    return raw.field("Sec-WebSocket-Protocol") ?? "none";
  });
});

describe("clients", () => {
  both("contains open clients until their 'close'", async (lab) => {
    const { server, url } = await lab.serve();
    const sizes: number[] = [server.clients.size];
    const { socket, log } = lab.connect(url);
    server.on("connection", (peer) => {
      sizes.push(server.clients.size, Number(server.clients.has(peer)));
      peer.on("close", () => sizes.push(server.clients.size));
    });
    await until(log, "open");
    await reached(
      () => sizes.length === 3,
      () => sizes.join(),
    );
    socket.close();
    await until(log, "close");
    await reached(
      () => sizes.length === 4,
      () => sizes.join(),
    );
    return sizes;
  });

  both("is undefined with clientTracking: false", async (lab) => {
    const { server, url } = await lab.serve({ clientTracking: false });
    const { log } = lab.connect(url);
    await until(log, "open");
    return [String(server.clients)];
  });

  both("is used for a broadcast", async (lab) => {
    const { server, url } = await lab.serve();
    const logs = [lab.connect(url).log, lab.connect(url).log, lab.connect(url).log];
    for (const log of logs) await until(log, "open");
    await reached(
      () => server.clients.size === 3,
      () => String(server.clients.size),
    );
    for (const client of server.clients) if (client.readyState === lab.server.WebSocket.OPEN) client.send("all");
    for (const log of logs) await until(log, "message");
    return logs;
  });
});

describe("close()", () => {
  both("leaves clients open, and emits 'close' after the last one", async (lab) => {
    const order: string[] = [];
    const { server, url } = await lab.serve();
    const { socket, log } = lab.connect(url);
    const [peer] = (await once(server, "connection")) as [Socket];
    await until(log, "open");
    server.on("close", () => order.push("event"));
    server.close((error) => order.push(`callback ${String(error)}`));
    order.push("returned");
    await new Promise((resolve) => setTimeout(resolve, 10));
    peer.send("still");
    await until(log, "message");
    order.push(`${server.clients.size} open`);
    socket.close();
    await until(order, "callback");
    await until(log, "close");
    return { order, log };
  });

  each("accepts no more clients", async (lab) => {
    const http = createHttpServer((_, response) => response.writeHead(404).end());
    const { server } = await lab.serve({ server: http });
    const { port } = await lab.http(http);
    server.close();
    const raw = await lab.dial(port);
    await raw.handshake();
    return [raw.text.slice(0, 12), http.listening, http.listenerCount("upgrade")];
  });

  each("answers a pending handshake with 503", async (lab) => {
    let go: (() => void) | undefined;
    const { server, port } = await lab.serve({ verifyClient: (_, callback) => (go = () => callback(true)) });
    const raw = await lab.dial(port);
    await reached(
      () => go !== undefined,
      () => "no request",
    );
    server.close();
    go!();
    await raw.gone();
    return raw.text;
  });

  each("calls several callbacks, and one that is passed after the end", async (lab) => {
    const { server } = await lab.serve();
    const order: string[] = [];
    server.close((error) => order.push(`one ${String(error)}`));
    server.close((error) => order.push(`two ${String(error)}`));
    await until(order, "two");
    server.close((error) => order.push(`three ${String(error)}`));
    await until(order, "three");
    return order;
  });

  for (const [what, options] of [
    ["noServer", { noServer: true }],
    ["noServer and no tracking", { noServer: true, clientTracking: false }],
    ["server", { server: createHttpServer() }],
  ] as const) {
    each(`${what}: emits 'close' in a later turn`, async (lab) => {
      const { server } = await lab.serve(options);
      const order: string[] = [];
      server.on("close", () => order.push("event"));
      server.close();
      order.push("returned");
      await until(order, "event");
      return order;
    });
  }

  each("server: keeps the http server, and removes its listeners", async (lab) => {
    const http = createHttpServer();
    const names = ["upgrade", "error", "listening"];
    const before = names.map((name) => http.listenerCount(name));
    const { server } = await lab.serve({ server: http });
    const during = names.map((name, index) => http.listenerCount(name) - before[index]!);
    server.close();
    const after = names.map((name, index) => http.listenerCount(name) - before[index]!);
    return { during, after };
  });

  both("lets programs close the clients, as the documentation of ws shows", async (lab) => {
    const { server, url } = await lab.serve();
    const { log } = lab.connect(url);
    await until(log, "open");
    await reached(
      () => server.clients.size === 1,
      () => "no client",
    );
    const closed = new Promise((resolve) => server.close(resolve));
    for (const client of server.clients) client.close(1001, "over");
    await closed;
    await until(log, "close");
    return log;
  });
});

describe("'headers'", () => {
  each("gets the lines of the response, and may add some", async (lab) => {
    const { server, port } = await lab.serve();
    let seen: string[] = [];
    server.on("headers", (headers, { url }) => {
      seen = [...headers, String(url)];
      headers.push("X-One: 1", "Set-Cookie: a=b");
    });
    const raw = await lab.dial(
      port,
      request({ "Sec-WebSocket-Protocol": "chat", "Sec-WebSocket-Extensions": "permessage-deflate" }),
    );
    await raw.handshake();
    return { seen, head: raw.head };
  });

  each("gets the lines with a subprotocol and compression", async (lab) => {
    const { port } = await lab.serve({ perMessageDeflate: true });
    const raw = await lab.dial(
      port,
      request({ "Sec-WebSocket-Protocol": "chat", "Sec-WebSocket-Extensions": "permessage-deflate" }),
    );
    await raw.handshake();
    return raw.head.split("\r\n");
  });
});

describe("invalid requests", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["POST", request({}, "POST / HTTP/1.1")],
    ["no key", request({ "Sec-WebSocket-Key": "" })],
    ["a short key", request({ "Sec-WebSocket-Key": "abc" })],
    ["a key that is not base64", request({ "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAA_==" })],
    ["no version", request({ "Sec-WebSocket-Version": "" })],
    ["version 12", request({ "Sec-WebSocket-Version": "12" })],
    ["version 13a", request({ "Sec-WebSocket-Version": "13a" })],
    ["another protocol", request({ Upgrade: "h2c" })],
  ];
  for (const [what, head] of cases) {
    each(what, async (lab) => {
      const { port } = await lab.serve();
      const raw = await lab.dial(port, head);
      await raw.gone();
      return raw.text;
    });

    each(`emits 'wsClientError' for ${what}`, async (lab) => {
      const { server, port } = await lab.serve();
      const seen: string[] = [];
      server.on("wsClientError", (error, socket, request) => {
        seen.push(showError(error), String(socket === request.socket), String(request.url));
        socket.end("HTTP/1.1 418 Own\r\n\r\n");
      });
      const raw = await lab.dial(port, head);
      await raw.gone();
      return { seen, answer: raw.text };
    });
  }

  for (const [what, head] of [
    ["Upgrade in capitals", request({ Upgrade: "WebSocket" })],
    ["Connection: keep-alive, Upgrade", request({ Connection: "keep-alive, Upgrade" })],
    ["a query", request({}, "GET /?a=b HTTP/1.1")],
    ["an Origin", request({ Origin: "http://localhost" })],
    ["version 8", request({ "Sec-WebSocket-Version": "8" })],
  ] as const) {
    each(`accepts ${what}`, async (lab) => {
      const { port } = await lab.serve();
      const raw = await lab.dial(port, head);
      await raw.handshake();
      return raw.text.slice(0, 12);
    });
  }
});

describe("the option WebSocket", () => {
  both("makes sockets of a subclass", async (lab) => {
    class Own extends lab.server.WebSocket {
      greet(): void {
        this.send("greeting");
      }
    }
    const { server, url } = await lab.serve({ WebSocket: Own });
    const seen: boolean[] = [];
    server.on("connection", (socket) => {
      seen.push(socket instanceof Own);
      (socket as Own).greet();
    });
    const { log } = lab.connect(url);
    await until(log, "message");
    return { seen, log };
  });
});

each("ignores unknown options", async (lab) => {
  const { server } = await lab.serve({ nonsense: 5 } as ServerOptions);
  return (server.options as { nonsense?: number }).nonsense;
});

each("close() works after the port could not be opened", async (lab) => {
  const net = createNetServer();
  net.listen(0, "127.0.0.1");
  await once(net, "listening");
  lab.atEnd(() => net.close());
  const { port } = net.address() as { port: number };
  const server = new lab.api.WebSocketServer({ port, host: "127.0.0.1" });
  const [error] = (await once(server, "error")) as [NodeJS.ErrnoException];
  return [error.code, await new Promise((resolve) => server.close((closing) => resolve(String(closing))))];
});
