// Runs "wsframe/node" on a runtime that has node:http: both ends over loopback, each end with a peer of ws, and the
// server with the runtime's own WebSocket. It prints the results, and the tests know the expected ones.

import { readFileSync } from "node:fs";
import { perMessageDeflate } from "wsframe";
import { connect, serve } from "wsframe/node";
import { each } from "./each.mjs";
import { digestOf, makeMessages } from "./messages.mjs";
import { exchangeWithOwn } from "./own-web-socket.mjs";
import { runtime } from "./runtime.mjs";

const [origin, certificates] = process.argv.slice(2);
const file = (name) => readFileSync(`${certificates}/${name}.pem`);
const messages = makeMessages();
const extensions = [perMessageDeflate()];
/** A server ends the connection if the peer does not. In that case, the program would take this long, in ms. */
const closeTimeout = 4000;

const echo = (connection) => void connection.on("message", (data) => connection.send(data));
const ended = (connection) => new Promise((resolve) => connection.on("close", (...how) => resolve(how)));

async function withServer(options, handler, use) {
  const server = await serve({ host: "127.0.0.1", closeTimeout, ...options }, handler);
  try {
    return await use(`${options.tls ? "wss" : "ws"}://127.0.0.1:${server.port}/`, server);
  } finally {
    await server.close();
  }
}

/** Sends all messages, waits for the same number, and closes. Returns what arrived and how the connection ended. */
async function exchange(connection) {
  const end = ended(connection);
  const echoed = [];
  const all = new Promise((resolve) => {
    connection.on("message", (data) => {
      echoed.push(data);
      if (echoed.length === messages.length) resolve();
    });
  });
  for (const message of messages) connection.send(message);
  await Promise.race([all, end]);
  connection.close(4000, "enough");
  return { echoed: await digestOf(echoed), extensions: connection.extensions, closed: await end };
}

/** An echo over TLS, with the HTTP version that the server saw. */
function secure(serverOptions, clientOptions) {
  let version;
  const handler = (connection, request) => {
    version = request.httpVersion;
    echo(connection);
  };
  return withServer({ tls: { key: file("key"), cert: file("cert") }, ...serverOptions }, handler, async (url) => {
    const connection = await connect(url, { closeTimeout, tls: { ca: file("cert") }, ...clientOptions });
    return { ...(await exchange(connection)), version };
  });
}

const cases = {
  echo: () => withServer({}, echo, async (url) => exchange(await connect(url, { closeTimeout }))),

  "echo, with and without direct reads and writes": async () => {
    const found = [];
    for (const directReads of [true, false]) {
      const options = { directReads, directWrites: directReads };
      await withServer(options, echo, async (url) => {
        const connection = await connect(url, { closeTimeout, ...options });
        const { socket } = connection;
        const direct = Object.getOwnPropertySymbols(socket).some((symbol) => socket[symbol] instanceof Uint8Array);
        found.push({ ...(await exchange(connection)), direct });
      });
    }
    return found;
  },

  "echo, compressed": () =>
    withServer({ extensions }, echo, async (url) => exchange(await connect(url, { closeTimeout, extensions }))),

  "echo over TLS": () => secure({ http2: false }, {}),

  "echo over TLS, with HTTP/2 available": () => secure({}, {}),

  "echo over HTTP/2": () => secure({}, { http2: true }),

  "pings, and the server's close": () => {
    const seen = [];
    const handler = (connection) => {
      connection.on("ping", (data) => seen.push(`ping ${new TextDecoder().decode(data)}`));
      connection.on("message", () => connection.close(4001, "später"));
      connection.on("close", (...how) => seen.push(how));
    };
    return withServer({}, handler, async (url) => {
      const connection = await connect(url, { closeTimeout });
      const end = ended(connection);
      const pong = new Promise((resolve) => connection.on("pong", resolve));
      connection.ping("are you there?");
      seen.push(`pong ${new TextDecoder().decode(await pong)}`);
      connection.send("close");
      seen.push(await end);
      // The order in which the two ends notice the end is not defined.
      await new Promise((resolve) => setTimeout(resolve, 50));
      return seen.map(String).sort();
    });
  },

  "server.close()": async () => {
    let end;
    await withServer({}, echo, async (url) => {
      end = ended(await connect(url, { closeTimeout }));
    });
    return end;
  },

  "a client that is cut": () => {
    let told;
    const end = new Promise((resolve) => {
      told = resolve;
    });
    return withServer(
      {},
      (connection) => void connection.on("close", (...how) => told(how)),
      async (url) => {
        const connection = await connect(url);
        connection.terminate();
        return end;
      },
    );
  },

  "a masked frame from a server": () => {
    const seen = [];
    const handler = (connection) => {
      connection.on("error", ({ code }) => seen.push(code));
      // A server must not mask, and the client reports it.
      connection.socket.write(Uint8Array.of(0x81, 0x81, 1, 2, 3, 4, 5));
    };
    return withServer({}, handler, async (url) => {
      const connection = await connect(url, { closeTimeout });
      connection.on("error", ({ code }) => seen.push(code));
      seen.push(await ended(connection));
      return seen;
    });
  },

  "unread messages": () =>
    withServer(
      {},
      (connection) => {
        for (let i = 0; i < 5; i++) connection.send(`${i}`);
        connection.close(1000);
      },
      async (url) => {
        const connection = await connect(url);
        await new Promise((resolve) => setTimeout(resolve, 50));
        const seen = [];
        for await (const message of connection) seen.push(message);
        return seen;
      },
    ),

  "a slow reader holds back the writer": () => {
    let most = 0;
    const piece = new Uint8Array(65_536);
    const handler = async (connection) => {
      for (let i = 0; i < 400; i++) {
        connection.send(piece);
        most = Math.max(most, connection.bufferedAmount);
        await connection.drained();
      }
      connection.close(1000);
    };
    return withServer({}, handler, async (url) => {
      let bytes = 0;
      for await (const message of await connect(url)) {
        if (bytes === 0) await new Promise((resolve) => setTimeout(resolve, 200));
        bytes += message.length;
      }
      return { bytes, bounded: most > 0 && most < 4 * piece.length };
    });
  },

  "an unknown path": () =>
    withServer({ path: "/chat" }, echo, (url) =>
      connect(url).then(
        () => "connected",
        ({ name, status }) => [name, status],
      ),
    ),

  "a request that is not a WebSocket": () =>
    withServer({}, echo, async (url) => {
      const response = await fetch(url.replace("ws:", "http:"));
      return [response.status, response.headers.get("upgrade"), await response.text()];
    }),

  "connection refused": async () => {
    const server = await serve({ host: "127.0.0.1" }, echo);
    await server.close();
    return connect(`ws://127.0.0.1:${server.port}/`).then(
      () => "connected",
      ({ code }) => code,
    );
  },

  "a server of ws": async () =>
    exchange(await connect(`${origin.replace("http", "ws")}/ws`, { closeTimeout, extensions })),

  "a server of ws that closes": async () => {
    const connection = await connect(`${origin.replace("http", "ws")}/ws?close=4001`, { closeTimeout });
    const seen = [];
    connection.on("message", (data) => seen.push(data));
    return [await ended(connection), seen];
  },

  "a client of ws": () =>
    withServer({ extensions }, echo, async (url) =>
      (await fetch(`${origin}/dial?url=${encodeURIComponent(url)}`)).json(),
    ),

  "the WebSocket of the runtime": () => withServer({}, echo, exchangeWithOwn),
};

console.log(JSON.stringify({ runtime: runtime(), ...(await each(cases)) }));
