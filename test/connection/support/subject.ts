// The connection under test, with the same interface for all transports.

import type { Extension } from "../../../src/index.ts";
import type { Connection, Ending } from "../../../src/node/index.ts";
import type { WebSocketStreamError, WebSocketStreamPair } from "../../../src/streams/index.ts";

export type Message = string | Uint8Array;
export type Consumer = "listener" | "for await";
export type Sender = "whole" | "pieces";

/** Options of connections of all kinds. */
export interface SubjectOptions {
  readonly highWaterMark?: number;
  readonly closeTimeout?: number;
  readonly extensions?: readonly Extension[];
}

export interface Subject {
  /** Resolves with the ending of the connection. It never rejects. */
  readonly closed: Promise<Ending>;
  /** Resolves when the loop over its messages has ended. */
  readonly loopEnded: Promise<void>;
  /** The number of bytes that are queued in the connection. */
  readonly queued: number;
  /** The exceptions of handlers. */
  readonly errors: unknown[];
  /** Passes each message to a handler. A loop awaits the handler's result, a listener does not. */
  receive(handler: (data: Message) => unknown): void;
  /** Sends a whole message. With streams, the promise resolves when the stream has accepted it. */
  send(data: Message): boolean | Promise<boolean>;
  /** Sends a message whole or in pieces, depending on the way under test. */
  answer(data: Message): boolean | Promise<boolean>;
  close(code?: number, reason?: string): void;
  /** Ends the connection after the test. */
  discard(): void;
}

/** Splits a message into pieces that are not empty, if it is long enough. */
export async function* inPieces(data: Message): AsyncGenerator<Message, void> {
  const third = Math.ceil(data.length / 3);
  if (third === 0) yield data;
  for (let at = 0; at < data.length; at += third) yield data.slice(at, at + third);
}

export class NodeSubject implements Subject {
  readonly connection: Connection;
  readonly closed: Promise<Ending>;
  readonly errors: unknown[] = [];
  loopEnded: Promise<void> = Promise.resolve();
  readonly #consumer: Consumer;
  readonly #sender: Sender;

  constructor(connection: Connection, consumer: Consumer, sender: Sender) {
    this.connection = connection;
    this.#consumer = consumer;
    this.#sender = sender;
    this.closed = closedOf(connection);
    // Kept in connection.error, where tests read it.
    connection.on("error", () => {});
  }

  get queued(): number {
    return this.connection.bufferedAmount;
  }

  receive(handler: (data: Message) => unknown): void {
    if (this.#consumer === "listener") {
      this.connection.on("message", (data) => {
        // The promise of a listener is not awaited.
        void this.#call(handler, data);
      });
      return;
    }
    const loop = async (): Promise<void> => {
      for await (const data of this.connection) await this.#call(handler, data);
    };
    this.loopEnded = loop();
  }

  send(data: Message): boolean {
    return this.connection.send(data);
  }

  answer(data: Message): boolean | Promise<boolean> {
    return this.#sender === "whole" ? this.connection.send(data) : this.connection.send(inPieces(data));
  }

  close(code?: number, reason?: string): void {
    this.connection.close(code, reason);
  }

  discard(): void {
    this.connection.terminate();
  }

  async #call(handler: (data: Message) => unknown, data: Message): Promise<void> {
    try {
      await handler(data);
    } catch (error) {
      this.errors.push(error);
    }
  }
}

/** The promise `closed` of a connection, or one made from its event. */
function closedOf(connection: Connection): Promise<Ending> {
  if ("closed" in connection && connection.closed instanceof Promise) return connection.closed as Promise<Ending>;
  return new Promise((resolve) => {
    connection.on("close", (code, reason, wasClean) => resolve({ code, reason, wasClean }));
  });
}

export class StreamsSubject implements Subject {
  readonly pair: WebSocketStreamPair;
  readonly closed: Promise<Ending>;
  readonly errors: unknown[] = [];
  loopEnded: Promise<void> = Promise.resolve();
  /** The number of bytes that the duplex has not accepted. */
  queued = 0;
  readonly #writer: WritableStreamDefaultWriter<Message>;

  constructor(pair: WebSocketStreamPair) {
    this.pair = pair;
    this.#writer = pair.writable.getWriter() as WritableStreamDefaultWriter<Message>;
    this.#writer.closed.catch(() => {});
    this.closed = pair.closed.then(
      ({ closeCode, reason }) => ({ code: closeCode, reason, wasClean: true }),
      ({ closeCode, reason }: WebSocketStreamError) => ({ code: closeCode ?? 0, reason, wasClean: false }),
    );
  }

  receive(handler: (data: Message) => unknown): void {
    const loop = async (): Promise<void> => {
      try {
        for await (const data of this.pair.readable) {
          try {
            await handler(data);
          } catch (error) {
            this.errors.push(error);
          }
        }
      } catch {
        // `closed` has the reason.
      }
    };
    this.loopEnded = loop();
  }

  async send(data: Message): Promise<boolean> {
    this.queued += data.length;
    try {
      await this.#writer.write(data);
      return true;
    } catch {
      return false;
    } finally {
      this.queued -= data.length;
    }
  }

  answer(data: Message): Promise<boolean> {
    return this.send(data);
  }

  /** Sends back all messages, instead of receive(). */
  pipe(): void {
    this.#writer.releaseLock();
    this.loopEnded = this.pair.readable.pipeTo(this.pair.writable).catch(() => {});
  }

  close(code?: number, reason?: string): void {
    this.pair.close({ closeCode: code, reason });
  }

  discard(): void {
    this.pair.close();
  }
}
