// Runs "wsframe/streams" over the sockets of a runtime. A kind of socket is a function that connects to a loopback port
// and, if possible, one that listens.

import { acceptWebSocketStream, connectWebSocketStream } from "wsframe/streams";
import { exchange } from "./exchange.mjs";

/** The cases of a kind, by name, with the host at `origin`. */
export function streamCases({ connect, listen }, origin, extensions) {
  const { port } = new URL(origin);
  const open = async (path, options) =>
    connectWebSocketStream(await connect(Number(port)), `ws://127.0.0.1:${port}${path}`, options);
  const all = async ({ readable }) => {
    const messages = [];
    const reader = readable.getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return messages;
      messages.push(value);
    }
  };
  const cases = {
    "a server of ws": async () => exchange(await open("/ws")),
    "a server of ws, compressed": async () => exchange(await open("/ws", { extensions })),
    "a server of wsframe/node": async () => exchange(await open("/wsframe")),
    "a server that closes": async () => {
      const pair = await open("/ws?close=4001");
      return { messages: await all(pair), closed: await pair.closed };
    },
  };
  if (extensions === undefined) delete cases["a server of ws, compressed"];
  if (listen === undefined) return cases;

  /** Runs an echo server while it is used. Returns how its connection ended. */
  const withServer = async (options, use) => {
    let told;
    const ended = new Promise((resolve, reject) => {
      told = { resolve, reject };
    });
    const server = await listen((duplex) => {
      acceptWebSocketStream(duplex, options).then((pair) => {
        pair.readable.pipeTo(pair.writable).catch(() => {});
        pair.closed.then(told.resolve, told.reject);
      }, told.reject);
    });
    try {
      const found = await use(server.port);
      return { ...found, server: await ended };
    } finally {
      await server.stop();
    }
  };
  return {
    ...cases,
    "a client of ws": () =>
      withServer({ extensions }, async (own) => {
        const response = await fetch(`${origin}/dial?url=${encodeURIComponent(`ws://127.0.0.1:${own}/`)}`);
        return response.json();
      }),
    "both ends": () =>
      withServer({}, async (own) =>
        exchange(await connectWebSocketStream(await connect(own), `ws://127.0.0.1:${own}/`)),
      ),
  };
}
