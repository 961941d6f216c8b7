// A Socket.IO client over any WebSocket, with only those parts of its protocol that the load needs.

import { BROADCAST, textOf } from "./cases.js";

const OPEN = "0";
const PING = "2";
const PONG = "3";
const CONNECT = "40";
/** An event that requests an acknowledgement, which has the same number. */
const ASK = "420";
const ANSWER = "430";
const EVENT = "42";
/** Broadcasts repeat after this many. */
const LETTERS = 26;

export class Client {
  #send;
  #connected;
  /**
   * Handles messages other than the handshake and the heartbeat.
   * @type {(text: string) => void}
   */
  #take = (text) => {
    throw new Error(`Unexpected: ${text}`);
  };

  /**
   * @param {(text: string) => void} send
   * @param {() => void} connected called when the server has accepted it in the main namespace
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
    else throw new Error(`Unexpected: ${text}`);
  }

  /** Emits an event, and the next one when the previous one is acknowledged. Resolves with the last acknowledgement. */
  echo(size, messages) {
    const text = textOf(size, 0);
    const ask = `${ASK}["echo","${text}"]`;
    const due = `${ANSWER}["${text}"]`;
    return new Promise((resolve) => {
      let left = messages;
      this.#take = (received) => {
        if (received !== due) throw new Error(`Unexpected: ${received}`);
        if (--left > 0) this.#send(ask);
        else resolve(undefined);
      };
      this.#send(ask);
    });
  }

  /** Resolves when this many broadcasts have arrived. */
  broadcasts(size, messages) {
    const due = Array.from({ length: LETTERS }, (_, i) => `${EVENT}["${BROADCAST}","${textOf(size, i)}"]`);
    return new Promise((resolve) => {
      let count = 0;
      this.#take = (received) => {
        if (received !== due[count % LETTERS]) throw new Error(`Unexpected: ${received}`);
        if (++count === messages) resolve(undefined);
      };
    });
  }
}
