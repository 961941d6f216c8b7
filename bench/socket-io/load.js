// The clients, in a process of their own, on connections of wsframe/node: node load.js PORT, with a channel to its parent.

import { connect } from "../../dist/node.js";
import { Client } from "./client.js";
import { answer } from "./channel.js";

/** Handshakes at once: fewer than wait in the server's backlog. */
const BATCH = 50;
const url = `ws://127.0.0.1:${process.argv[2]}/socket.io/?EIO=4&transport=websocket`;
const clients = [];

async function open() {
  const connection = await connect(url);
  await new Promise((resolve) => {
    const client = new Client((text) => connection.send(text), resolve);
    connection.on("message", (text) => client.receive(text));
    clients.push(client);
  });
}

/** What the load has been told to expect. */
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
