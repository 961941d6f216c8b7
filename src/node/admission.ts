import type { Duplex } from "node:stream";
import { type Acceptance, acceptHandshake, CloseCode, type Rejection, rejectHandshake } from "../index.ts";
import type { Caller, ServerRequest } from "./caller.ts";
import type { Connection } from "./connection.ts";
import { CLOSE_TIMEOUT, LINGER } from "../protocol/times.ts";
import { readDelay, startTimer } from "./delay.ts";
import { acceptOptions } from "./known-options.ts";
import type { OwnServer } from "./own-server.ts";
import { tellRefused, throwLater } from "./refusal.ts";
import type { Route } from "./router.ts";
import type { ServeOptions } from "./serve.ts";
import { decide } from "./verify.ts";

/** The handler of serve(). @internal */
export type Handler<Data> = (connection: Connection, request: ServerRequest, data: Data) => unknown;

/**
 * Decides about the requests of one serve(), first with the handshake and then with `verify`, and keeps its
 * connections. @internal
 */
export class Admission<Data> implements Route {
  readonly path: string | undefined;
  /** The open connections. */
  readonly connections: Set<Connection> = new Set();
  readonly #options: ServeOptions<Data>;
  readonly #handler: Handler<Data>;
  readonly #timeLimit: number;
  readonly #closeLimit: number;
  /** For each caller that `verify` has not decided on, a function that rejects it. */
  readonly #undecided: Set<(rejection: Rejection) => void> = new Set();
  /**
   * The listener of "close". All connections share it, because a closure made in #open() would keep the request alive.
   */
  readonly #forget: (this: Connection) => void;
  /** The server that serve() made, if any. */
  readonly #own: OwnServer | undefined;
  #closing = false;

  /** @throws TypeError, RangeError */
  constructor(options: ServeOptions<Data>, timeLimit: number, handler: Handler<Data>, own: OwnServer | undefined) {
    this.path = options.path;
    this.#options = options;
    this.#handler = handler;
    this.#own = own;
    const { connections } = this;
    this.#forget = function forget() {
      connections.delete(this);
    };
    this.#timeLimit = timeLimit;
    this.#closeLimit = readDelay("closeTimeout", (options.closeTimeout ?? CLOSE_TIMEOUT) + LINGER);
  }

  /** Answers a caller whose request is for this path. */
  admit(caller: Caller): void {
    if (caller.isGone()) return;
    if (this.#closing) {
      this.refuse(caller, rejectHandshake({ status: 503 }));
      return;
    }
    const answer = this.#attempt(caller, () => acceptHandshake(caller.request, acceptOptions(this.#options)));
    if (answer === undefined) return;
    if (!answer.accepted) this.refuse(caller, answer);
    else this.#verify(caller, answer);
  }

  /** Refuses a caller, and reports it. */
  refuse(caller: Caller, rejection: Rejection, error: unknown = rejection.error): void {
    caller.reject(rejection);
    this.tell(caller.request, rejection.status, error);
  }

  /** Reports a refused request. */
  tell(request: ServerRequest, status: number, error: unknown): void {
    tellRefused(this.#options.onRefused, request, { status, error });
  }

  /**
   * Refuses all undecided and new requests, closes the connections and waits for them to end. It cuts those that have
   * not ended shortly after `closeTimeout`, so that no peer can delay it.
   */
  async close(code: number, reason: string): Promise<void> {
    this.#closing = true;
    for (const settle of this.#undecided) settle(rejectHandshake({ status: 503 }));
    const ends = [...this.connections].map(
      (connection) => new Promise<void>((resolve) => connection.once("close", () => resolve())),
    );
    for (const connection of this.connections) connection.close(code, reason);
    const timer = setTimeout(() => {
      for (const connection of this.connections) connection.terminate();
    }, this.#closeLimit);
    await Promise.all(ends);
    clearTimeout(timer);
  }

  #verify(caller: Caller, acceptance: Acceptance): void {
    const { verify } = this.#options;
    if (verify === undefined) {
      // The type of Verdict guarantees this: without `verify`, Data is undefined.
      this.#open(caller, acceptance, undefined as Data);
      return;
    }
    const { request, stream } = caller;
    // The first decision counts: from verify, the timer, close(), or the client.
    const isFirst = () => {
      if (!this.#undecided.delete(giveUp)) return false;
      stopTimer();
      stream.off("error", destroyOnError);
      stream.off("close", isFirst);
      return !caller.isGone();
    };
    const giveUp = (rejection: Rejection) => {
      if (isFirst()) this.refuse(caller, rejection);
    };
    this.#undecided.add(giveUp);
    // Until there is a connection, the stream has no other listener.
    stream.on("error", destroyOnError);
    stream.on("close", isFirst);
    const stopTimer = startTimer(this.#timeLimit, () => giveUp(rejectHandshake({ status: 503 })));
    void decide(verify, request).then((decision) => {
      if (!isFirst()) return;
      if ("rejection" in decision) this.refuse(caller, decision.rejection, decision.error);
      else this.#open(caller, acceptance, decision.data);
    });
  }

  #open(caller: Caller, acceptance: Acceptance, data: Data): void {
    const connection = this.#attempt(caller, () => caller.accept(acceptance, this.#options));
    if (connection === undefined) return;
    this.connections.add(connection);
    this.#own?.release(caller.stream);
    connection.on("close", this.#forget);
    callHandler(this.#handler, connection, caller.request, data);
  }

  /** If a function of the options throws, the answer is 500. */
  #attempt<T>(caller: Caller, run: () => T): T | undefined {
    try {
      return run();
    } catch (error) {
      this.refuse(caller, rejectHandshake({ status: 500 }), error);
      return undefined;
    }
  }
}

/** Not a closure: one made in #verify() would keep the request in memory as long as the socket. */
function destroyOnError(this: Duplex): void {
  this.destroy();
}

/** If a handler throws or rejects, its connection is closed with 1011. */
function callHandler<Data>(handler: Handler<Data>, connection: Connection, request: ServerRequest, data: Data): void {
  const failed = (error: unknown) => {
    connection.close(CloseCode.InternalError);
    throwLater(error);
  };
  try {
    const result = handler(connection, request, data);
    if (result instanceof Promise) result.catch(failed);
  } catch (error) {
    failed(error);
  }
}
