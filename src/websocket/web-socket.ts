import { CloseCode, WebSocketError } from "../index.ts";
import { connect, type Connection } from "../node/index.ts";
import { isInit, readClose, readMessage, readProtocols, readUrl } from "./arguments.ts";
import {
  closeEvent,
  errorEvent,
  messageEvent,
  type WebSocketCloseEvent,
  type WebSocketEventMap,
  type WebSocketHandler,
  type WebSocketListener,
  type WebSocketListenerOptions,
} from "./events.ts";
import { Handlers } from "./handlers.ts";
import { optionsOf, readOptions, type WebSocketInit, type WebSocketOptions } from "./options.ts";
import { Unsent } from "./unsent.ts";

const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;

type Ending = Pick<WebSocketCloseEvent, "code" | "reason" | "wasClean">;

/** What Web IDL makes enumerable. */
const MEMBERS = [
  "url",
  "readyState",
  "bufferedAmount",
  "onopen",
  "onerror",
  "onclose",
  "extensions",
  "protocol",
  "close",
  "onmessage",
  "binaryType",
  "send",
];

const ABNORMAL: Ending = { code: 1006, reason: "", wasClean: false };

/**
 * The WebSocket of browsers (https://websockets.spec.whatwg.org) on a Connection of `wsframe/node`: for libraries that expect
 * that constructor. Each event is a task of its own, so promises that a listener resolves are settled before the next event.
 *
 * Where Node differs from a browser: there is no page, so no base for relative URLs and no Origin, unless an option says so;
 * ports are not blocked; and an error event says what went wrong.
 */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export class WebSocket extends EventTarget {
  /** 0: the connection is being opened. */
  declare static readonly CONNECTING: 0;
  /** 1: messages can be sent and arrive. */
  declare static readonly OPEN: 1;
  /** 2: the closing handshake has begun, or close() has been called. */
  declare static readonly CLOSING: 2;
  /** 3: the connection has ended, or could not be opened. */
  declare static readonly CLOSED: 3;
  /** 0: as of the class. */
  declare readonly CONNECTING: 0;
  /** 1: as of the class. */
  declare readonly OPEN: 1;
  /** 2: as of the class. */
  declare readonly CLOSING: 2;
  /** 3: as of the class. */
  declare readonly CLOSED: 3;

  readonly #url: URL;
  /** What messages come from. */
  readonly #origin: string;
  readonly #handlers: Handlers = new Handlers(this);
  readonly #unsent: Unsent = new Unsent();
  /** Gives up connecting. */
  readonly #attempt: AbortController = new AbortController();
  #connection: Connection | undefined = undefined;
  #state: 0 | 1 | 2 | 3 = CONNECTING;
  /** Messages whose events are due. */
  #due = 0;
  #binaryType: "blob" | "arraybuffer" = "blob";
  #failure: unknown = undefined;

  /**
   * Begins to connect. permessage-deflate is offered.
   *
   * `url`: ws: or wss:, which http: and https: are taken for
   *
   * `protocols`: a subprotocol, or several in order of preference; the server has to choose one. Or an object as for Node's own
   * WebSocket
   *
   * `options`: what the standard does not have, such as header fields and TLS
   *
   * @throws DOMException (SyntaxError) for a URL that is relative, malformed, of another scheme or has a fragment, and for
   *   subprotocols that are no tokens or stand there twice, in any case
   * @throws TypeError, RangeError for wrong or unknown options
   */
  constructor(url: string | URL, protocols?: string | Iterable<string> | WebSocketInit, options?: WebSocketOptions) {
    if (arguments.length === 0) throw new TypeError("A WebSocket needs a URL");
    super();
    const init = isInit(protocols) ? protocols : undefined;
    this.#url = readUrl(url);
    this.#origin = this.#url.origin;
    const offered = readProtocols(init === undefined ? protocols : init.protocols);
    const { href } = this.#url;
    if (init !== undefined && options !== undefined) throw new TypeError("The options are given twice");
    const given = init === undefined ? options : optionsOf(init);
    const all = { ...readOptions(href, offered, given), signal: this.#attempt.signal };
    connect(href, all).then(
      (connection) => this.#established(connection, offered),
      (error: unknown) => this.#fail(error),
    );
  }

  /** The URL, as it was parsed. */
  get url(): string {
    return this.#url.href;
  }

  /** CONNECTING, OPEN, CLOSING or CLOSED. */
  get readyState(): 0 | 1 | 2 | 3 {
    return this.#state;
  }

  /**
   * How many bytes of messages the system has not taken, without framing. What is sent once the connection is closing is never
   * taken, and adds to it for good. A compressed message counts what is left of it once the task is over that sent it.
   */
  get bufferedAmount(): number {
    return this.#unsent.amount;
  }

  /** The extensions that were agreed on, as in Sec-WebSocket-Extensions; empty for none, and until it is open. */
  get extensions(): string {
    return this.#connection?.extensions ?? "";
  }

  /** The subprotocol that the server chose; empty for none, and until it is open. */
  get protocol(): string {
    return this.#connection?.protocol ?? "";
  }

  /** What binary messages arrive as. Other values are ignored. Default "blob". */
  get binaryType(): "blob" | "arraybuffer" {
    return this.#binaryType;
  }

  set binaryType(value: "blob" | "arraybuffer") {
    if (value === "blob" || value === "arraybuffer") this.#binaryType = value;
  }

  /** A listener of "open"; null for none. */
  get onopen(): WebSocketHandler<"open"> {
    return this.#handlers.get("open");
  }

  set onopen(handler: WebSocketHandler<"open">) {
    this.#handlers.set("open", handler);
  }

  /** A listener of "message"; null for none. */
  get onmessage(): WebSocketHandler<"message"> {
    return this.#handlers.get("message");
  }

  set onmessage(handler: WebSocketHandler<"message">) {
    this.#handlers.set("message", handler);
  }

  /** A listener of "error"; null for none. */
  get onerror(): WebSocketHandler<"error"> {
    return this.#handlers.get("error");
  }

  set onerror(handler: WebSocketHandler<"error">) {
    this.#handlers.set("error", handler);
  }

  /** A listener of "close"; null for none. */
  get onclose(): WebSocketHandler<"close"> {
    return this.#handlers.get("close");
  }

  set onclose(handler: WebSocketHandler<"close">) {
    this.#handlers.set("close", handler);
  }

  /**
   * Sends text for a string, binary for bytes and Blobs, in the order of the calls. Bytes are copied. A Blob is read as it is
   * sent, in fragments, so one of a file takes little memory. Once the connection is closing, nothing is sent.
   * @throws DOMException (InvalidStateError) while connecting
   * @throws TypeError for a view of shared memory
   */
  send(data: string | ArrayBuffer | ArrayBufferView | Blob): void {
    if (arguments.length === 0) throw new TypeError("send() needs a message");
    const { data: message, length } = readMessage(data);
    if (this.#state === CONNECTING) throw new DOMException("The connection is not open yet", "InvalidStateError");
    const connection = this.#connection;
    if (connection === undefined || this.#state !== OPEN) {
      this.#unsent.lose(length);
    } else if (message instanceof Blob) {
      const sent = connection.send(message.stream(), { binary: true });
      void this.#unsent.giveBlob(
        length,
        sent.catch((error: unknown) => {
          this.#unreadable(connection, error);
          return false;
        }),
      );
    } else if (connection.send(message)) {
      this.#unsent.give(length);
    } else {
      this.#unsent.lose(length);
    }
  }

  /**
   * Begins the closing handshake, after all that was sent before; no message event follows. While connecting it gives up:
   * that fails the connection. Does nothing if it is closing already.
   * @throws DOMException (InvalidAccessError) for a code other than 1000 and 3000 to 4999
   * @throws DOMException (SyntaxError) for a reason of more than 123 bytes in UTF-8
   */
  close(code?: number, reason?: string): void {
    const close = readClose(code, reason);
    const state = this.#state;
    if (state >= CLOSING) return;
    this.#state = CLOSING;
    if (state === OPEN) {
      this.#connection?.close(close.code, close.reason);
    } else {
      this.#failure = new Error("The WebSocket was closed before it was open");
      this.#attempt.abort(this.#failure);
    }
  }

  #established(connection: Connection, offered: readonly string[]): void {
    if (offered.length > 0 && connection.protocol === "") {
      // RFC 6455 lets that pass, the standard does not.
      connection.terminate();
      this.#fail(new Error("The server has chosen none of the subprotocols"));
      return;
    }
    connection.on("message", (data) => {
      // A write for each task would cost more than all the rest.
      if (this.#due++ === 0) connection.hold();
      setImmediate(WebSocket.#message, this, connection, data);
    });
    connection.on("closing", () => {
      setImmediate(() => {
        if (this.#state === OPEN) this.#state = CLOSING;
      });
    });
    connection.on("close", (code, reason, wasClean) => {
      // Browsers have no error event for a connection that is lost, and some clients try again only after "close" alone.
      if (connection.error instanceof WebSocketError) this.#failure ??= connection.error;
      this.#end({ code, reason, wasClean });
    });
    setImmediate(() => this.#open(connection));
  }

  #open(connection: Connection): void {
    // close() has cut it.
    if (this.#state !== CONNECTING) return;
    this.#connection = connection;
    this.#unsent.writer = connection;
    this.#state = OPEN;
    this.dispatchEvent(new Event("open"));
  }

  // Not a closure for each message.
  static #message(this: void, socket: WebSocket, connection: Connection, data: string | Uint8Array<ArrayBuffer>): void {
    // When its listeners' promises have settled, too: a tick that a microtask asks for comes after all microtasks.
    if (--socket.#due === 0) queueMicrotask(() => process.nextTick(() => connection.release()));
    if (socket.#state !== OPEN) return;
    const message = typeof data === "string" ? data : socket.#binaryType === "blob" ? new Blob([data]) : bufferOf(data);
    socket.dispatchEvent(messageEvent(message, socket.#origin));
  }

  /** A Blob cannot be read, perhaps because its file has changed. */
  #unreadable(connection: Connection, error: unknown): void {
    this.#failure ??= error;
    this.#state = Math.max(this.#state, CLOSING) as 2 | 3;
    connection.close(CloseCode.InternalError);
  }

  /** There has been no connection. */
  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#end(ABNORMAL);
  }

  #end(ending: Ending): void {
    setImmediate(() => {
      this.#state = CLOSED;
      this.#unsent.end();
      if (this.#failure !== undefined) this.dispatchEvent(errorEvent(this.#failure));
    });
    // What a listener of "error" has begun goes on before.
    setImmediate(() => this.dispatchEvent(closeEvent(ending)));
  }

  static {
    for (const target of [this, this.prototype]) {
      for (const [name, value] of Object.entries({ CONNECTING, OPEN, CLOSING, CLOSED })) {
        Object.defineProperty(target, name, { value, enumerable: true });
      }
    }
    for (const name of MEMBERS) Object.defineProperty(this.prototype, name, { enumerable: true });
    Object.defineProperty(this.prototype, Symbol.toStringTag, { value: "WebSocket", configurable: true });
    // Optional arguments do not count.
    Object.defineProperty(this, "length", { value: 1 });
    Object.defineProperty(this.prototype.close, "length", { value: 0 });
  }
}

/** The same bytes, and none beside them. */
function bufferOf(bytes: Uint8Array<ArrayBuffer>): ArrayBuffer {
  const { buffer, byteLength } = bytes;
  return buffer.byteLength === byteLength ? buffer : bytes.slice().buffer;
}

// The methods are inherited: here they get to know the events.
export interface WebSocket {
  /** As of every EventTarget. */
  addEventListener<T extends keyof WebSocketEventMap>(
    type: T,
    listener: WebSocketListener<T>,
    options?: WebSocketListenerOptions | boolean,
  ): void;
  addEventListener(
    type: string,
    listener: ((event: Event) => unknown) | { handleEvent(event: Event): unknown } | null,
    options?: WebSocketListenerOptions | boolean,
  ): void;
  /** As of every EventTarget. */
  removeEventListener<T extends keyof WebSocketEventMap>(
    type: T,
    listener: WebSocketListener<T>,
    options?: WebSocketListenerOptions | boolean,
  ): void;
  removeEventListener(
    type: string,
    listener: ((event: Event) => unknown) | { handleEvent(event: Event): unknown } | null,
    options?: WebSocketListenerOptions | boolean,
  ): void;
}
