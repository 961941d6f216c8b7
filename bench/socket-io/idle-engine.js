// An engine for Socket.IO without sockets, WebSocket or system calls. The time it takes is Socket.IO's own share.

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

/**
 * Calls back in the same turn for all connections at once, like a socket whose bytes the system accepts immediately.
 */
function whenSent(callback) {
  if (typeof callback !== "function") return;
  if (sent.push(callback) === 1) process.nextTick(callBack);
}

class IdleSocket extends EventEmitter {
  readyState = 1;
  /** The client's message handler. */
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

/** The part of ws's WebSocketServer that Socket.IO calls. */
export class IdleServer {
  handleUpgrade(request, socket, head, callback) {
    callback(request.idleSocket, request);
  }
  close() {}
}

/** The load inside the server's process, which only counts messages. */
export class IdleLoad {
  #io;
  #sockets = [];
  #received;

  /** @param {object} io a server whose engine is an IdleServer */
  constructor(io) {
    this.#io = io;
  }

  async open({ connections }) {
    const url = "/socket.io/?EIO=4&transport=websocket";
    while (this.#sockets.length < connections) {
      const idleSocket = new IdleSocket();
      // The first message opens the session. The namespace answers too.
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

  /** In each turn, emits one event per connection, which the server acknowledges. */
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

  /** Resolves when everything expected has arrived. */
  received() {
    return this.#received;
  }
}
