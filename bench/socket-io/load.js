// The clients in their own process, on connections of wsframe/node: node load.js PORT, with a channel to its parent.

import { Client } from "./client.js";
import { answer } from "./channel.js";

// This imports the build by its path, because this folder has its own package.json and does not find "wsframe".
const { connect } = await import(new URL("../../dist/node.js", import.meta.url).href);

/** The number of simultaneous handshakes, less than the server's backlog. */
const BATCH = 50;
const url = `ws://127.0.0.1:${process.argv[2]}/socket.io/?EIO=4&transport=websocket`;
const clients = [];

async function open() {
  const connection = await connect(url);
  const connected = /** @type {Promise<void>} */ (
    new Promise((resolve) => {
      const client = new Client((text) => connection.send(text), resolve);
      connection.on("message", (text) => client.receive(text));
      clients.push(client);
    })
  );
  await connected;
}

/** The promise for the expected messages. */
let received;

answer({
  async open({ connections }) {
    while (clients.length < connections) {
      await Promise.all(Array.from({ length: Math.min(BATCH, connections - clients.length) }, open));
    }
  },
  async echo({ size, messages }) {
    await Promise.all(clients.map((client) => client.echo(size, Math.ceil(messages / clients.length))));
  },
  async expect({ size, messages }) {
    received = Promise.all(clients.map((client) => client.broadcasts(size, messages)));
  },
  async received() {
    await received;
  },
});
