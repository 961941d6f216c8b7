// A Socket.IO client over any WebSocket, with no more of its protocol than the load needs.

import { BROADCAST, textOf } from "./cases.js";

const OPEN = "0";
const PING = "2";
const PONG = "3";
const CONNECT = "40";
/** An event that asks for an acknowledgement, which comes with the same number. */
const ASK = "420";
const ANSWER = "430";
const EVENT = "42";
/** Broadcasts repeat after so many. */
const LETTERS = 26;

export class Client {
  #send;
  #connected;
  /**
   * What comes beside the handshake and the heartbeat.
   * @type {(text: string) => void}
   */
  #take = (text) => {
    throw new Error(`Not expected: ${text}`);
  };

  /**
   * @param {(text: string) => void} send
   * @param {() => void} connected called once the server has let it into the main namespace
   */
  constructor(send, connected) {
    this.#send = send;
    this.#connected = connected;
  }

  /** @param {string} text a message of the WebSocket */
  receive(text) {
    if (text.startsWith(ANSWER) || text.startsWith(EVENT)) this.#take(text);
    else if (text.startsWith(CONNECT)) this.#connected();
    else if (text.startsWith(OPEN)) this.#send(CONNECT);
    else if (text === PING) this.#send(PONG);
    else throw new Error(`Not expected: ${text}`);
  }

  /** Emits an event, and the next when the last is acknowledged. Resolves with the last acknowledgement. */
  echo(size, messages) {
    const text = textOf(size, 0);
    const ask = `${ASK}["echo","${text}"]`;
    const due = `${ANSWER}["${text}"]`;
    return new Promise((resolve) => {
      let left = messages;
      this.#take = (received) => {
        if (received !== due) throw new Error(`Not what was due: ${received}`);
        if (--left > 0) this.#send(ask);
        else resolve(undefined);
      };
      this.#send(ask);
    });
  }

  /** Resolves when so many broadcasts have come. */
  broadcasts(size, messages) {
    const due = Array.from({ length: LETTERS }, (_, i) => `${EVENT}["${BROADCAST}","${textOf(size, i)}"]`);
    return new Promise((resolve) => {
      let count = 0;
      this.#take = (received) => {
        if (received !== due[count % LETTERS]) throw new Error(`Not what was due: ${received}`);
        if (++count === messages) resolve(undefined);
      };
    });
  }
}
