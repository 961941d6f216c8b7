import { Duplex } from "node:stream";
import type { Socket } from "node:net";

/** Called with the bytes that pass. If it returns a promise, no more bytes pass until it resolves. */
export type Listener = (sender: "client" | "server", bytes: Uint8Array) => Promise<void> | undefined;

/**
 * A server's socket with a listener for the raw bytes in both directions. The listener gets the bytes first, and can hold up
 * either direction.
 */
export class TappedSocket extends Duplex {
  readonly #socket: Socket;
  readonly #listen: Listener;
  #held = false;

  constructor(socket: Socket, listen: Listener) {
    super();
    this.#socket = socket;
    this.#listen = listen;
    socket.on("data", (chunk: Uint8Array) => {
      const hold = listen("client", chunk);
      if (!this.push(chunk) || hold) socket.pause();
      if (!hold) return;
      this.#held = true;
      void hold.then(() => {
        this.#held = false;
        socket.resume();
      });
    });
    socket.on("end", () => this.push(null));
    socket.on("error", (error) => this.destroy(error));
    socket.on("close", () => this.destroy());
    socket.pause();
  }

  override _read(): void {
    if (!this.#held) this.#socket.resume();
  }

  override _write(chunk: Uint8Array, _encoding: string, written: (error?: Error | null) => void): void {
    const hold = this.#listen("server", chunk);
    if (hold) void hold.then(() => this.#socket.write(chunk, written));
    else this.#socket.write(chunk, written);
  }

  override _final(ended: () => void): void {
    this.#socket.end(ended);
  }

  override _destroy(error: Error | null, destroyed: (error?: Error | null) => void): void {
    this.#socket.destroy();
    destroyed(error);
  }
}
