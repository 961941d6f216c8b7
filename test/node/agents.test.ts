// An agent opens the socket for HTTP/2, as for HTTP/1.1, so requests go through the agent's proxy.

import { once } from "node:events";
import { Agent, type ClientRequestArgs, createServer, type OutgoingMessage, request as httpRequest } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { type AddressInfo, createConnection, type Socket } from "node:net";
import type { Duplex } from "node:stream";
import { connect as connectTls, type ConnectionOptions as TlsOptions } from "node:tls";
import { describe, expect, test } from "vitest";
import { connect, type ConnectOptions } from "../../src/node/index.ts";
import { CA, TLS } from "./support/peer.ts";
import { start } from "./support/server.ts";
import { atEnd, until, watchLeftovers } from "./support/watch.ts";

watchLeftovers();

/** A proxy with tunnels (RFC 9110 §9.3.6). It records the requested targets. */
async function startProxy(): Promise<{ port: number; asked: (string | undefined)[] }> {
  const asked: (string | undefined)[] = [];
  const sockets: Set<Socket> = new Set();
  const proxy = createServer();
  proxy.on("connect", ({ url = "" }, client: Socket, head) => {
    asked.push(url);
    const [host, port] = url.split(":");
    const server = createConnection({ port: Number(port), host: host! }, () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      server.write(head);
      server.pipe(client).pipe(server);
    });
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  atEnd(() => {
    for (const socket of sockets) socket.destroy();
    return new Promise((resolve) => proxy.close(resolve));
  });
  return { port: (proxy.address() as AddressInfo).port, asked };
}

type Callback = (error: Error | null, socket: Duplex) => void;
/** The socket argument of a callback that gets an error. */
const none = undefined as unknown as Duplex;

/** Opens a tunnel, and TLS inside it. */
function tunnel(proxyPort: number, options: ClientRequestArgs, secure: boolean, done: Callback): void {
  const { host, port } = options as { host: string; port: number };
  const request = httpRequest({
    port: proxyPort,
    host: "127.0.0.1",
    method: "CONNECT",
    path: `${host}:${port}`,
    agent: false,
  });
  request.on("connect", (_response, socket) => {
    const { host: _host, port: _port, path: _path, ...rest } = options;
    done(null, secure ? connectTls({ ...(rest as TlsOptions), socket: socket as Socket }) : socket);
  });
  request.on("error", (error) => done(error, none));
  request.end();
}

/** The documented way: createConnection() with a callback. */
class TunnelAgent extends HttpsAgent {
  readonly proxyPort: number;
  readonly secure: boolean;

  constructor(proxyPort: number, secure: boolean, options: object = {}) {
    super(options);
    this.proxyPort = proxyPort;
    this.secure = secure;
  }

  override createConnection(options: ClientRequestArgs, done?: Callback): undefined {
    tunnel(this.proxyPort, options, this.secure, done!);
  }
}

/** The way of agent-base, and therefore of https-proxy-agent and socks-proxy-agent. */
class SocketAgent extends Agent {
  readonly proxyPort: number;
  #socket: Duplex | undefined;

  constructor(proxyPort: number) {
    super();
    this.proxyPort = proxyPort;
  }

  createSocket(request: object, options: ClientRequestArgs & { secureEndpoint?: boolean }, done: Callback): void {
    tunnel(this.proxyPort, options, options.secureEndpoint === true, (error, socket) => {
      if (error) return done(error, none);
      this.#socket = socket;
      const base = Object.getPrototypeOf(SocketAgent.prototype) as { createSocket(...args: unknown[]): void };
      base.createSocket.call(this, request, options, done);
    });
  }

  override createConnection(): Duplex {
    return this.#socket!;
  }
}

async function versionOf(url: string, options: ConnectOptions): Promise<unknown> {
  const connection = await connect(url, { http2: true, handshakeTimeout: 3000, ...options });
  connection.close();
  await once(connection, "close");
  return connection.response?.status;
}

describe("an agent that uses a proxy", () => {
  const kinds: [name: string, make: (port: number, secure: boolean) => Agent][] = [
    ["createConnection() with a callback", (port, secure) => new TunnelAgent(port, secure)],
    ["createSocket(), as in agent-base", (port) => new SocketAgent(port)],
  ];
  for (const [name, make] of kinds) {
    test(`wss: ${name}`, async () => {
      const { port } = await start({ tls: TLS });
      const proxy = await startProxy();
      const agent = make(proxy.port, true);
      expect(await versionOf(`wss://localhost:${port}`, { agent, tls: CA })).toBe(200);
      expect(proxy.asked).toEqual([`localhost:${port}`]);
      // The agent does not get its socket back and does not count it.
      expect(Object.values({ ...agent.sockets, ...agent.freeSockets }).flat()).toEqual([]);
    });
  }
});

test("the options of an agent are used", async () => {
  const { port } = await start({ tls: TLS });
  const agent = new HttpsAgent({ ...CA, localAddress: "127.0.0.2" });
  const { port: open, connections } = await start({ tls: TLS });
  expect(await versionOf(`wss://localhost:${port}`, { agent })).toBe(200);
  const connection = await connect(`wss://localhost:${open}`, { agent, http2: true });
  const [served] = connections as unknown as [{ socket: { session: { socket: Socket } } }];
  expect(served.socket.session.socket.remoteAddress).toBe("127.0.0.2");
  connection.terminate();
  await once(connection, "close");
  await expect(versionOf(`wss://localhost:${port}`, { agent: new HttpsAgent() })).rejects.toMatchObject({
    code: expect.stringMatching(/SELF_SIGNED|UNABLE_TO_VERIFY/),
  });
});

test("connect() rejects if an agent fails, or answers after the attempt", async () => {
  const { port } = await start({ tls: TLS });
  class Failing extends HttpsAgent {
    override createConnection(_options: ClientRequestArgs, done?: Callback): undefined {
      setImmediate(() => done!(new Error("of the agent"), none));
    }
  }
  await expect(versionOf(`wss://localhost:${port}`, { agent: new Failing() })).rejects.toThrow("of the agent");
  const late: Socket[] = [];
  class Late extends HttpsAgent {
    override createConnection(options: ClientRequestArgs, done?: Callback): undefined {
      setTimeout(() => {
        const socket = createConnection({ port: Number(options.port), host: "127.0.0.1" });
        late.push(socket);
        done!(null, socket);
      }, 150);
    }
  }
  for (const [index, scheme] of ["wss", "ws"].entries()) {
    const attempt = versionOf(`${scheme}://localhost:${port}`, { agent: new Late(), handshakeTimeout: 50 });
    await expect(attempt).rejects.toMatchObject({ name: "TimeoutError" });
    await until(
      () => late[index]?.destroyed === true,
      () => "the socket is open",
    );
  }
});

test("an agent sees the Host with its port", async () => {
  const { port } = await start({ tls: TLS });
  const hosts: unknown[] = [];
  const agent = new HttpsAgent(CA);
  const { createSocket } = agent as unknown as { createSocket: (...args: unknown[]) => void };
  Object.assign(agent, {
    createSocket: (request: OutgoingMessage, ...rest: unknown[]) => {
      hosts.push(request.getHeader("Host"));
      Reflect.apply(createSocket, agent, [request, ...rest]);
    },
  });
  expect(await versionOf(`wss://localhost:${port}`, { agent })).toBe(200);
  expect(hosts).toEqual([`localhost:${port}`]);
});

test("an agent that cannot open a socket is a TypeError", async () => {
  const agent = { addRequest() {} } as unknown as Agent;
  await expect(connect("wss://localhost:1", { agent, http2: true })).rejects.toThrow(TypeError);
});

test("an agent for http: opens no TLS connection, so it fails for wss:", async () => {
  const { port } = await start({ tls: TLS });
  const opened: Socket[] = [];
  class Plain extends Agent {
    override createConnection(options: ClientRequestArgs): Socket {
      const socket = createConnection({ port: Number(options.port), host: "127.0.0.1" });
      opened.push(socket);
      return socket;
    }
  }
  const attempt = versionOf(`wss://localhost:${port}`, { agent: new Plain() });
  await expect(attempt).rejects.toThrow("The agent did not open a TLS connection");
  expect(opened.map(({ destroyed }) => destroyed)).toEqual([true]);
});
