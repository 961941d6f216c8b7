/* oxlint-disable typescript/no-extraneous-class -- A module of Nest is a class without members. */
// Nest's platform-ws: gateways, guards, exceptions, paths, and closing the application.

import "reflect-metadata";
import assert from "node:assert/strict";
import { Catch, Module, UseFilters } from "@nestjs/common";
import { NestFactory } from "@nestjs/core";
import { WsAdapter } from "@nestjs/platform-ws";
import {
  BaseWsExceptionFilter,
  ConnectedSocket,
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  WebSocketServer,
  WsException,
} from "@nestjs/websockets";
import { from, map } from "rxjs";
import { WebSocket } from "./client.js";
import { event, freePort, run, until, within } from "./support.js";

// Applies decorators as the TypeScript compiler does.
const onClass = (target, ...decorators) => decorators.toReversed().reduce((to, decorate) => decorate(to) ?? to, target);
const onMethod = (target, name, ...decorators) => {
  const descriptor = Object.getOwnPropertyDescriptor(target.prototype, name);
  for (const decorate of decorators.toReversed()) decorate(target.prototype, name, descriptor);
};
const onParameters = (target, name, ...decorators) =>
  decorators.forEach((decorate, i) => decorate(target.prototype, name, i));

const seen = [];

/** Sends the exception to the peer. Nest's own filter emits an event on the client, which only Socket.IO would send. */
class SendingFilter extends BaseWsExceptionFilter {
  catch(exception, host) {
    const message = exception instanceof WsException ? exception.getError() : "Internal error";
    host
      .switchToWs()
      .getClient()
      .send(JSON.stringify({ event: "exception", data: { message } }));
  }
}
onClass(SendingFilter, Catch());

class EventsGateway {
  afterInit(server) {
    seen.push(`init ${typeof server.handleUpgrade}`);
  }
  handleConnection(client, request) {
    seen.push(`connection ${request.url} ${client.readyState}`);
  }
  handleDisconnect(client) {
    seen.push(`disconnect ${client.readyState}`);
  }
  echo(data) {
    return { event: "echo", data };
  }
  promised(data) {
    return new Promise((resolve) => setTimeout(resolve, 5, { event: "promised", data: data.toUpperCase() }));
  }
  many(to) {
    return from(Array.from({ length: to }, (_, i) => i + 1)).pipe(map((data) => ({ event: "many", data })));
  }
  broadcast(client, data) {
    for (const other of this.server.clients) {
      if (other !== client && other.readyState === WebSocket.OPEN) other.send(JSON.stringify({ event: "news", data }));
    }
    return { event: "sent", data: this.server.clients.size - 1 };
  }
  fails(data) {
    throw new WsException(`bad ${data}`);
  }
  breaks() {
    throw new Error("a secret");
  }
}
onClass(EventsGateway, UseFilters(new SendingFilter()), WebSocketGateway({ path: "/events" }));
WebSocketServer()(EventsGateway.prototype, "server");
for (const name of ["echo", "promised", "many", "fails", "breaks"]) {
  onMethod(EventsGateway, name, SubscribeMessage(name));
  onParameters(EventsGateway, name, MessageBody());
}
onMethod(EventsGateway, "broadcast", SubscribeMessage("broadcast"));
onParameters(EventsGateway, "broadcast", ConnectedSocket(), MessageBody());

class OtherGateway {
  hello() {
    return { event: "hello", data: "from the other" };
  }
}
onClass(OtherGateway, WebSocketGateway({ path: "/other", maxPayload: 100 }));
onMethod(OtherGateway, "hello", SubscribeMessage("hello"));

class AppModule {}
onClass(AppModule, Module({ providers: [EventsGateway, OtherGateway] }));

async function start(module = AppModule) {
  const app = await NestFactory.create(module, { logger: false });
  app.useWebSocketAdapter(new WsAdapter(app));
  await app.listen(0, "127.0.0.1");
  return { app, url: `ws://127.0.0.1:${app.getHttpServer().address().port}` };
}

async function connect(url) {
  const socket = new WebSocket(url);
  await event(socket, "open");
  return socket;
}

async function ask(socket, name, data) {
  socket.send(JSON.stringify({ event: name, data }));
  const [answer] = await event(socket, "message");
  return JSON.parse(String(answer));
}

await run({
  async "handlers answer with values, promises and observables"() {
    const { app, url } = await start();
    const socket = await connect(`${url}/events`);
    assert.deepEqual(await ask(socket, "echo", { a: [1, "é"] }), { event: "echo", data: { a: [1, "é"] } });
    assert.deepEqual(await ask(socket, "promised", "tea"), { event: "promised", data: "TEA" });
    const answers = [];
    socket.on("message", (data) => answers.push(JSON.parse(String(data)).data));
    socket.send(JSON.stringify({ event: "many", data: 300 }));
    await until("300 answers", () => answers.length === 300);
    assert.deepEqual(
      answers,
      Array.from({ length: 300 }, (_, i) => i + 1),
    );
    await app.close();
  },

  async "calls the gateway when connections open and close"() {
    seen.length = 0;
    const { app, url } = await start();
    const socket = await connect(`${url}/events`);
    await until("the connection", () => seen.length === 2);
    socket.close();
    await until("the end", () => seen.length === 3);
    assert.deepEqual(seen, ["init function", "connection /events 1", "disconnect 3"]);
    await app.close();
  },

  async "server.clients has the clients, for a broadcast"() {
    const { app, url } = await start();
    const sockets = await Promise.all(Array.from({ length: 4 }, () => connect(`${url}/events`)));
    const news = sockets.slice(1).map((socket) => event(socket, "message"));
    assert.deepEqual(await ask(sockets[0], "broadcast", "tea is ready"), { event: "sent", data: 3 });
    for (const [data] of await Promise.all(news)) {
      assert.deepEqual(JSON.parse(String(data)), { event: "news", data: "tea is ready" });
    }
    sockets[3].terminate();
    await until("one fewer", async () => (await ask(sockets[0], "broadcast", "again")).data === 2);
    await app.close();
  },

  async "sends exceptions of a handler to the client with a filter"() {
    const { app, url } = await start();
    const socket = await connect(`${url}/events`);
    const known = await ask(socket, "fails", "cup");
    assert.equal(known.event, "exception");
    assert.equal(known.data.message, "bad cup");
    const unknown = await ask(socket, "breaks");
    assert.deepEqual(unknown, { event: "exception", data: { message: "Internal error" } });
    // A message in another format gets no answer, and has no effect.
    socket.send("not JSON");
    socket.send(JSON.stringify({ event: "nowhere" }));
    assert.equal((await ask(socket, "echo", 1)).data, 1);
    await app.close();
  },

  async "supports several gateways on one port, with their own paths and options"() {
    const { app, url } = await start();
    const socket = await connect(`${url}/other`);
    assert.equal((await ask(socket, "hello")).data, "from the other");
    socket.send("x".repeat(101));
    assert.equal((await event(socket, "close"))[0], 1009);
    const nowhere = new WebSocket(`${url}/nowhere`);
    assert.match((await event(nowhere, "error"))[0].message, /socket hang up|ECONNRESET/);
    await app.close();
  },

  async "supports a gateway on a separate port"() {
    const port = await freePort();
    class AloneGateway {
      hello() {
        return { event: "hello", data: "alone" };
      }
    }
    onClass(AloneGateway, WebSocketGateway(port));
    onMethod(AloneGateway, "hello", SubscribeMessage("hello"));
    class AloneModule {}
    onClass(AloneModule, Module({ providers: [AloneGateway] }));
    const { app } = await start(AloneModule);
    const socket = await connect(`ws://127.0.0.1:${port}`);
    assert.equal((await ask(socket, "hello")).data, "alone");
    await app.close();
  },

  async "closing the application ends its connections"() {
    const { app, url } = await start();
    const sockets = await Promise.all([connect(`${url}/events`), connect(`${url}/other`)]);
    const ends = sockets.map((socket) => event(socket, "close"));
    await within("the end of the application", app.close());
    for (const [code] of await Promise.all(ends)) assert.equal(code, 1006);
  },
});
