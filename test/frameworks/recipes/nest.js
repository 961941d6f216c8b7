// The recipe of docs/frameworks.md replaces the line BLOCK. The rest is a client that uses it.
import "reflect-metadata";
import { Module } from "@nestjs/common";
import { SubscribeMessage, WebSocketGateway } from "@nestjs/websockets";
import { answers } from "../programs/support.js";

class Gateway {
  hello(_client, name) {
    return { event: "hello", data: `hello ${name}` };
  }
}
const hello = Object.getOwnPropertyDescriptor(Gateway.prototype, "hello");
SubscribeMessage("hello")(Gateway.prototype, "hello", hello);
WebSocketGateway()(Gateway);

// oxlint-disable-next-line typescript/no-extraneous-class -- A module of Nest is a class without members.
class AppModule {}
Module({ providers: [Gateway] })(AppModule);

// BLOCK

await answers("ws://localhost:8080/", ['{"event":"hello","data":"Ada"}'], ['{"event":"hello","data":"hello Ada"}']);
await app.close();
