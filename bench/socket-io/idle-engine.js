// An engine for Socket.IO without sockets, WebSocket or system calls: what Socket.IO takes with it is its own share.

import { EventEmitter } from "node:events";
import { setImmediate as setTurn } from "node:timers/promises";
import { textOf } from "./cases.js";

const CONNECT = Buffer.from("40");

let sent = [];
const callBack = () => {
  const callbacks = sent;
  sent = [];
  for (const callback of callbacks) callback();
};

/** Calls back in the same turn, as a socket does whose bytes the system takes at once; for all connections at once. */
function whenSent(callback) {
  if (typeof callback !== "function") return;
  if (sent.push(callback) === 1) process.nextTick(callBack);
}

class IdleSocket extends EventEmitter {
  readyState = 1;
  /** What the client does with a message. */
  receive = () => {};
  _sender = {
    sendFrame: (_, callback) => {
      this.receive();
      whenSent(callback);
    },
  };

  send(data, options, callback = options) {
    this.receive();
    whenSent(callback);
  }
  close() {
    this.emit("close", 1000, Buffer.alloc(0));
  }
}

/** What Socket.IO calls of ws's WebSocketServer. */
export class IdleServer {
  handleUpgrade(request, socket, head, callback) {
    callback(request.idleSocket, request);
  }
  close() {}
}

/** The load, in the server's own process: it only counts what comes. */
export class IdleLoad {
  #io;
  #sockets = [];
  #received;

  /** @param {object} io whose engine is an IdleServer */
  constructor(io) {
    this.#io = io;
  }

  async open({ connections }) {
    const url = "/socket.io/?EIO=4&transport=websocket";
    while (this.#sockets.length < connections) {
      const idleSocket = new IdleSocket();
      // The first message is that the session is open. The namespace answers too.
      idleSocket.receive = () => {
        idleSocket.receive = () => {};
        setImmediate(() => idleSocket.emit("message", CONNECT, false));
      };
      const request = { method: "GET", url, headers: { upgrade: "websocket" }, connection: {}, idleSocket };
      this.#io.engine.handleUpgrade(request, new EventEmitter(), Buffer.alloc(0));
      this.#sockets.push(idleSocket);
    }
    while (this.#io.of("/").sockets.size < connections) await setTurn();
  }

  /** As many emits as there are connections in each turn, which the server acknowledges. */
  echo({ size, messages }) {
    const emit = Buffer.from(`420["echo","${textOf(size, 0)}"]`);
    const turns = Math.ceil(messages / this.#sockets.length);
    return new Promise((resolve) => {
      let left = turns * this.#sockets.length;
      const turn = () => {
        for (const socket of this.#sockets) socket.emit("message", emit, false);
        if (left > 0) setImmediate(turn);
      };
      for (const socket of this.#sockets) {
        socket.receive = () => {
          if (--left === 0) resolve(undefined);
        };
      }
      turn();
    });
  }

  async expect({ messages }) {
    this.#received = new Promise((resolve) => {
      let left = messages * this.#sockets.length;
      for (const socket of this.#sockets) {
        socket.receive = () => {
          if (--left === 0) resolve(undefined);
        };
      }
    });
  }

  /** Resolves when all that was expected has come. */
  received() {
    return this.#received;
  }
}
