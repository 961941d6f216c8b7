// MQTT over WebSocket: MQTT.js and the broker Aedes, which both load ws themselves.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { Aedes } from "aedes";
import factory from "aedes-server-factory";
import mqtt from "mqtt";
import { createWebSocketStream, WebSocketServer } from "ws";
import { event, listen, run, until, within } from "./support.js";

async function start({ makeServer, port, ...options } = {}) {
  const broker = await Aedes.createBroker(options);
  const http = makeServer ? makeServer(broker) : factory.createServer(broker, { ws: true });
  return { broker, http, port: await listen(http, port) };
}

async function stop({ broker, http }) {
  await new Promise((resolve) => broker.close(resolve));
  await within("the end of the server", new Promise((resolve) => http.close(resolve)));
}

const connect = (port, options) =>
  within("the connection", mqtt.connectAsync(`ws://127.0.0.1:${port}`, { reconnectPeriod: 20, ...options }));

/** Collects the messages of a client. */
function collect(client) {
  const messages = [];
  client.on("message", (topic, payload, { qos, retain }) => messages.push({ topic, payload, qos, retain }));
  return messages;
}

await run({
  async "publishes and subscribes at each quality of service"() {
    const server = await start();
    const [a, b] = await Promise.all([
      connect(server.port),
      connect(server.port, { protocolId: "MQIsdp", protocolVersion: 3 }),
    ]);
    const messages = collect(b);
    await b.subscribeAsync("tea/#", { qos: 2 });
    for (const qos of [0, 1, 2]) await a.publishAsync(`tea/${qos}`, `cup ${qos}`, { qos });
    await until("three messages", () => messages.length === 3);
    assert.deepEqual(
      messages.map(({ topic, payload, qos }) => [topic, String(payload), qos]),
      [0, 1, 2].map((qos) => [`tea/${qos}`, `cup ${qos}`, qos]),
    );
    await Promise.all([a.endAsync(), b.endAsync()]);
    await stop(server);
  },

  async "sends a large payload, and thousands of small ones"() {
    const server = await start();
    const client = await connect(server.port);
    const messages = collect(client);
    await client.subscribeAsync("data");
    const large = Buffer.alloc(3_000_000, "0123456789");
    client.publish("data", large);
    for (let i = 0; i < 3000; i++) client.publish("data", `${i}`);
    await until("all messages", () => messages.length === 3001);
    assert.ok(messages[0].payload.equals(large));
    assert.deepEqual(
      messages.slice(1).map(({ payload }) => String(payload)),
      Array.from({ length: 3000 }, (_, i) => `${i}`),
    );
    await client.endAsync();
    await stop(server);
  },

  async "sends retained messages, and the will of a lost client"() {
    const server = await start();
    const a = await connect(server.port, { will: { topic: "left", payload: "a" }, reconnectPeriod: 0 });
    await a.publishAsync("state", "hot", { retain: true, qos: 1 });
    const b = await connect(server.port);
    const messages = collect(b);
    await b.subscribeAsync(["state", "left"]);
    await until("the retained", () => messages.length === 1);
    assert.deepEqual([String(messages[0].payload), messages[0].retain], ["hot", true]);
    a.stream.destroy();
    await until("the will", () => messages.length === 2);
    assert.deepEqual([messages[1].topic, String(messages[1].payload)], ["left", "a"]);
    await b.endAsync();
    await a.endAsync(true);
    await stop(server);
  },

  async "keepalive: answers the client's pings, and ends a client that sends none"() {
    const server = await start();
    const pings = [];
    server.broker.on("ping", ({ pingreq } = {}, client) => pings.push(client?.id ?? pingreq));
    const alive = await connect(server.port, { clientId: "alive", keepalive: 1 });
    let closed = 0;
    alive.on("close", () => closed++);
    await until("a ping", () => pings.length > 0);
    assert.equal(closed, 0);
    await alive.endAsync();
    await stop(server);
  },

  async "the client connects and subscribes again after a restart of the broker"() {
    let server = await start();
    const client = await connect(server.port);
    const messages = collect(client);
    await client.subscribeAsync("news");
    const { port } = server;
    const cut = event(client, "close");
    await stop(server);
    await cut;
    const again = event(client, "connect");
    server = await start({ port });
    await again;
    await until("the subscription", () => client.connected && server.broker.connectedClients === 1);
    await client.publishAsync("news", "back", { qos: 1 });
    await until("the message", () => messages.length === 1);
    await client.endAsync();
    await stop(server);
  },

  async "authenticate can refuse a client"() {
    const server = await start({
      authenticate: (_client, name, password, done) => done(null, name === "ada" && String(password) === "tea"),
    });
    await assert.rejects(
      connect(server.port, { username: "mallory", reconnectPeriod: 0 }),
      /Not authorized|Bad username/,
    );
    const client = await connect(server.port, { username: "ada", password: "tea" });
    await client.endAsync();
    await stop(server);
  },

  async "works with a separate WebSocketServer, createWebSocketStream and the subprotocol mqtt"() {
    const protocols = [];
    const server = await start({
      makeServer(broker) {
        const http = createServer();
        const sockets = new WebSocketServer({ server: http, path: "/mqtt", perMessageDeflate: { threshold: 0 } });
        sockets.on("connection", (socket, request) => {
          protocols.push(socket.protocol);
          broker.handle(createWebSocketStream(socket), request);
        });
        return http;
      },
    });
    const client = await connect(server.port, { path: "/mqtt" });
    const messages = collect(client);
    await client.subscribeAsync("data");
    const payload = Buffer.from("tea and milk ".repeat(10_000));
    client.publish("data", payload);
    await until("the message", () => messages.length === 1);
    assert.ok(messages[0].payload.equals(payload));
    assert.deepEqual(protocols, ["mqtt"]);
    await client.endAsync();
    await stop(server);
  },
});
