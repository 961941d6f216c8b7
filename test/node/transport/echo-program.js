// A program for hidden.test.ts. It hides an internal of Node, then echoes over sockets, and reports which path the
// bytes took.
// node echo-program.js URL-OF-WSFRAME NAME-OF-PIECE OPTIONS

import { once } from "node:events";
import { Agent } from "node:http";
import net from "node:net";
import { syncBuiltinESMExports } from "node:module";
import { isDeepStrictEqual } from "node:util";

const [, , url, hidden, options] = process.argv;
const getSymbols = Object.getOwnPropertySymbols;
const { Socket } = net;
/** How many calls an overridden method has seen. */
let overridden = 0;

function override(target, name) {
  const method = target[name];
  target[name] = function (...args) {
    overridden++;
    return Reflect.apply(method, this, args);
  };
}

/** How to hide each internal before wsframe is loaded. */
const hide = {
  nothing() {},
  symbols() {
    Object.getOwnPropertySymbols = (of) => (of instanceof Socket ? [] : getSymbols(of));
  },
  "one symbol"() {
    Object.getOwnPropertySymbols = (of) =>
      getSymbols(of).filter((symbol) => !(of instanceof Socket && typeof of[symbol] === "function"));
  },
  "symbols, with an exception"() {
    Object.getOwnPropertySymbols = (of) => {
      if (of instanceof Socket) throw new Error("no symbols");
      return getSymbols(of);
    };
  },
  "the end of the probe"() {
    const { destroy } = Socket.prototype;
    Socket.prototype.destroy = function (...args) {
      if (this._handle === null && !this.connecting && this.remoteAddress === undefined) throw new Error("no destroy");
      return Reflect.apply(destroy, this, args);
    };
  },
  "the class"() {
    net.Socket = class extends Socket {
      constructor(given) {
        if (given?.onread) throw new Error("no onread");
        super(given);
      }
    };
    syncBuiltinESMExports();
  },
  async useUserBuffer() {
    const server = net.createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    let prototype = Object.getPrototypeOf(server._handle);
    Object.defineProperty(prototype, "useUserBuffer", { value: undefined });
    while ((prototype = Object.getPrototypeOf(prototype))) delete prototype.useUserBuffer;
    server.close();
  },
  platform() {
    Object.defineProperty(process, "platform", { value: "darwin" });
  },
  runtime() {
    Object.defineProperty(process.versions, "bun", { value: "1.0.0" });
  },
  "push of the class"() {
    Socket.prototype.push = function (...args) {
      overridden++;
      return Reflect.apply(Object.getPrototypeOf(Socket.prototype).push, this, args);
    };
  },
  "push of the socket"() {},
  "_write of the class"() {
    override(Socket.prototype, "_write");
  },
  "_write of the socket"() {},
};
await hide[hidden]();

/** How many writes went into sockets directly, and how many through the queue of the stream. */
const ways = new Map();
const { _write, _writev } = Socket.prototype;
const wayOf = (socket) => ways.get(socket) ?? ways.set(socket, { direct: 0, queued: 0 }).get(socket);
Socket.prototype._write = function (bytes, encoding, callback) {
  wayOf(this)[callback === this._writableState.onwrite ? "queued" : "direct"]++;
  return _write.call(this, bytes, encoding, callback);
};
Socket.prototype._writev = function (chunks, callback) {
  wayOf(this).queued++;
  return _writev.call(this, chunks, callback);
};

const { connect, serve } = await import(url);

function prepare(socket) {
  if (hidden === "_write of the socket") override(socket, "_write");
  if (hidden === "push of the socket") override(socket, "push");
  return socket;
}

const given = JSON.parse(options);
const server = await serve({ host: "127.0.0.1", ...given }, (connection) => {
  connection.on("message", (data) => connection.send(data));
});
server.server.on("connection", prepare);
const agent = new Agent();
const { createConnection } = Agent.prototype;
agent.createConnection = (...args) => prepare(Reflect.apply(createConnection, agent, args));
const client = await connect(`ws://127.0.0.1:${server.port}/`, { ...given, agent });
const [accepted] = server.connections;
/** The head of the handshake is always written through the queue. */
for (const { socket } of [client, accepted]) ways.set(socket, { direct: 0, queued: 0 });
overridden = 0;

const messages = [];
for (const size of [0, 1, 2, 125, 126, 1000, 4095, 4096, 65_535, 65_536, 70_000, 131_073, 1_048_576]) {
  const bytes = Uint8Array.from({ length: size }, (_, i) => (i * 31 + size) & 255);
  messages.push(
    bytes,
    "abcdefghij".repeat(size / 10 + 1).slice(0, size),
    "é€😀ł"
      .repeat(size / 9 + 1)
      .slice(0, size)
      .toWellFormed(),
  );
}
const received = [];
let wake = () => {};
client.on("message", (data) => {
  received.push(data);
  wake();
});
async function until(count) {
  while (received.length < count) await new Promise((resolve) => (wake = resolve));
}
for (const message of messages) client.send(message);
await until(messages.length);
for (const message of messages) {
  client.send(message);
  await until(received.length + 1);
}
const expected = [...messages, ...messages];
const wrong = expected.findIndex((message, i) => !isDeepStrictEqual(message, received[i]));

function way({ socket }) {
  return { reads: getSymbols(socket).some((symbol) => socket[symbol] instanceof Uint8Array), ...ways.get(socket) };
}
const result = { wrong, count: received.length, server: way(accepted), client: way(client), overridden };
const closed = once(client, "close");
client.close(1000);
const [code] = await closed;
await server.close();
console.log(JSON.stringify({ ...result, code }));
