// An echo server without sockets (the handshake and a Protocol), for servers on a runtime's own sockets.

import { acceptHandshake, Protocol, RequestParser, serializeResponse } from "wsframe";

export class Echo {
  #parser = new RequestParser();
  #protocol;
  #response;

  receive(chunk) {
    if (this.#protocol) return this.#protocol.push(chunk, this);
    const found = this.#parser.push(chunk);
    if (!found) return;
    const answer = acceptHandshake(found.request);
    if (!answer.accepted) throw new Error("The handshake was refused");
    this.#response = serializeResponse(answer);
    this.#protocol = new Protocol({ role: "server" });
    this.#protocol.push(found.rest, this);
  }

  /** The bytes to write, in parts. */
  take() {
    const parts = this.#protocol?.take() ?? [];
    if (!this.#response) return parts;
    const head = this.#response;
    this.#response = undefined;
    return [head, ...parts];
  }

  /**
   * Like take(), but writes to the start of `target`. Returns 0 if there is nothing to write, or if take() must be
   * used.
   */
  takeInto(target) {
    return this.#response ? 0 : (this.#protocol?.takeInto(target) ?? 0);
  }

  text(data) {
    this.#protocol.send(data);
  }
  binary(data) {
    this.#protocol.send(data);
  }
  ping() {}
  pong() {}
  error(error) {
    throw error;
  }
  close() {}
}
