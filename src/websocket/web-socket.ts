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

/** The members that are enumerable by Web IDL. */
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
 * The WebSocket of browsers (https://websockets.spec.whatwg.org) for libraries that expect that constructor. It uses a Connection
 * of `wsframe/node`. Each event is dispatched in a task of its own, so the promise callbacks of one event run before the next
 * event.
 *
 * It differs from a browser in a few points. Because there is no page, URLs must be absolute, and no Origin is sent without the
 * option `origin`. All ports are allowed. An error event has the cause in `error`.
 */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging
export class WebSocket extends EventTarget {
  /** 0: the connection is not open yet. */
  declare static readonly CONNECTING: 0;
  /** 1: messages can be sent and received. */
  declare static readonly OPEN: 1;
  /** 2: the closing handshake has begun, or close() has been called. */
  declare static readonly CLOSING: 2;
  /** 3: the connection has ended, or could not be opened. */
  declare static readonly CLOSED: 3;
  /** 0: see WebSocket.CONNECTING. */
  declare readonly CONNECTING: 0;
  /** 1: see WebSocket.OPEN. */
  declare readonly OPEN: 1;
  /** 2: see WebSocket.CLOSING. */
  declare readonly CLOSING: 2;
  /** 3: see WebSocket.CLOSED. */
  declare readonly CLOSED: 3;

  readonly #url: URL;
  /** The `origin` of message events. */
  readonly #origin: string;
  readonly #handlers: Handlers = new Handlers(this);
  readonly #unsent: Unsent = new Unsent();
  /** Gives up connecting. */
  readonly #attempt: AbortController = new AbortController();
  #connection: Connection | undefined = undefined;
  #state: 0 | 1 | 2 | 3 = CONNECTING;
  /** The number of messages whose events are not dispatched yet. */
  #due = 0;
  #binaryType: "blob" | "arraybuffer" = "blob";
  #failure: unknown = undefined;

  /**
   * Starts to connect. It offers permessage-deflate by default.
   *
   * `url`: an absolute URL with the scheme ws: or wss:. http: and https: mean the same
   *
   * `protocols`: one subprotocol, or a list in order of preference. If you offer any, the server must choose one. Node's own
   * WebSocket accepts an options object here, and so does this one
   *
   * `options`: options that the standard does not have, such as header fields and TLS
   *
   * @throws DOMException (SyntaxError) for a URL that is relative or malformed, or that has another scheme or a fragment
   * @throws DOMException (SyntaxError) for a subprotocol that is not a token, or that occurs twice, ignoring case
   * @throws TypeError, RangeError for invalid or unknown options
   */
  constructor(url: string | URL, protocols?: string | Iterable<string> | WebSocketInit, options?: WebSocketOptions) {
    if (arguments.length === 0) throw new TypeError("The WebSocket constructor needs a URL");
    super();
    const init = isInit(protocols) ? protocols : undefined;
    this.#url = readUrl(url);
    this.#origin = this.#url.origin;
    const offered = readProtocols(init === undefined ? protocols : init.protocols);
    const { href } = this.#url;
    if (init !== undefined && options !== undefined)
      throw new TypeError("Pass the options as the second or the third argument, not as both");
    const given = init === undefined ? options : optionsOf(init);
    const all = { ...readOptions(href, offered, given), signal: this.#attempt.signal };
    connect(href, all).then(
      (connection) => this.#established(connection, offered),
      (error: unknown) => this.#fail(error),
    );
  }

  /** The URL after parsing. */
  get url(): string {
    return this.#url.href;
  }

  /** CONNECTING, OPEN, CLOSING or CLOSED. */
  get readyState(): 0 | 1 | 2 | 3 {
    return this.#state;
  }

  /**
   * The number of bytes of messages, without framing, that the system has not accepted. Messages that you send while the connection
   * is closing are counted forever. After the task that sent it, a compressed message counts only its compressed bytes.
   */
  get bufferedAmount(): number {
    return this.#unsent.amount;
  }

  /** The negotiated extensions, as in Sec-WebSocket-Extensions; "" if there are none, or until the connection is open. */
  get extensions(): string {
    return this.#connection?.extensions ?? "";
  }

  /** The subprotocol that the server chose; "" if there is none, or until the connection is open. */
  get protocol(): string {
    return this.#connection?.protocol ?? "";
  }

  /** The form of binary messages: "blob" or "arraybuffer". Other values are ignored. Default "blob". */
  get binaryType(): "blob" | "arraybuffer" {
    return this.#binaryType;
  }

  set binaryType(value: "blob" | "arraybuffer") {
    if (value === "blob" || value === "arraybuffer") this.#binaryType = value;
  }

  /** A listener of "open", or null. */
  get onopen(): WebSocketHandler<"open"> {
    return this.#handlers.get("open");
  }

  set onopen(handler: WebSocketHandler<"open">) {
    this.#handlers.set("open", handler);
  }

  /** A listener of "message", or null. */
  get onmessage(): WebSocketHandler<"message"> {
    return this.#handlers.get("message");
  }

  set onmessage(handler: WebSocketHandler<"message">) {
    this.#handlers.set("message", handler);
  }

  /** A listener of "error", or null. */
  get onerror(): WebSocketHandler<"error"> {
    return this.#handlers.get("error");
  }

  set onerror(handler: WebSocketHandler<"error">) {
    this.#handlers.set("error", handler);
  }

  /** A listener of "close", or null. */
  get onclose(): WebSocketHandler<"close"> {
    return this.#handlers.get("close");
  }

  set onclose(handler: WebSocketHandler<"close">) {
    this.#handlers.set("close", handler);
  }

  /**
   * Sends a string as text, and bytes or a Blob as binary, in the order of the calls. Bytes are copied, so you may reuse the
   * buffer. A Blob is read and sent in fragments, so a Blob of a file uses little memory. Nothing is sent while the connection is
   * closing.
   * @throws DOMException (InvalidStateError) while connecting
   * @throws TypeError for a view of shared memory
   */
  send(data: string | ArrayBuffer | ArrayBufferView | Blob): void {
    if (arguments.length === 0) throw new TypeError("send() needs an argument");
    const { data: message, length } = readMessage(data);
    if (this.#state === CONNECTING)
      throw new DOMException("The WebSocket is not open yet: wait for the event open", "InvalidStateError");
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
   * Starts the closing handshake, after all messages sent before. No message event follows. While connecting, it gives up, and the
   * connection fails. It has no effect if the connection is already closing.
   * @throws DOMException (InvalidAccessError) for a code other than 1000 and 3000 to 4999
   * @throws DOMException (SyntaxError) for a reason of more than 123 bytes of UTF-8
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
      // RFC 6455 allows that, but the standard for browsers does not.
      connection.terminate();
      this.#fail(new Error("The server has chosen none of the subprotocols"));
      return;
    }
    connection.on("message", (data) => {
      // Writes wait for the last event, because one write per task would be slow.
      if (this.#due++ === 0) connection.hold();
      setImmediate(WebSocket.#message, this, connection, data);
    });
    connection.on("closing", () => {
      setImmediate(() => {
        if (this.#state === OPEN) this.#state = CLOSING;
      });
    });
    connection.on("close", (code, reason, wasClean) => {
      // As in browsers, a lost connection causes no error event. Some clients reconnect only after "close" without "error".
      if (connection.error instanceof WebSocketError) this.#failure ??= connection.error;
      this.#end({ code, reason, wasClean });
    });
    setImmediate(() => this.#open(connection));
  }

  #open(connection: Connection): void {
    // close() was called while connecting.
    if (this.#state !== CONNECTING) return;
    this.#connection = connection;
    this.#unsent.writer = connection;
    this.#state = OPEN;
    this.dispatchEvent(new Event("open"));
  }

  // A static method saves a closure per message.
  static #message(this: void, socket: WebSocket, connection: Connection, data: string | Uint8Array<ArrayBuffer>): void {
    // Release after the promise callbacks of listeners: a tick scheduled by a microtask runs after all microtasks.
    if (--socket.#due === 0) queueMicrotask(() => process.nextTick(() => connection.release()));
    if (socket.#state !== OPEN) return;
    const message = typeof data === "string" ? data : socket.#binaryType === "blob" ? new Blob([data]) : bufferOf(data);
    socket.dispatchEvent(messageEvent(message, socket.#origin));
  }

  /** Fails because a Blob cannot be read; its file may have changed. */
  #unreadable(connection: Connection, error: unknown): void {
    this.#failure ??= error;
    this.#state = Math.max(this.#state, CLOSING) as 2 | 3;
    connection.close(CloseCode.InternalError);
  }

  /** Fails the WebSocket, because no connection could be opened. */
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
    // In another task, so that the promise callbacks of "error" run first.
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
    // In Web IDL, the length does not count optional arguments.
    Object.defineProperty(this, "length", { value: 1 });
    Object.defineProperty(this.prototype.close, "length", { value: 0 });
  }
}

/** An ArrayBuffer that contains only these bytes. */
function bufferOf(bytes: Uint8Array<ArrayBuffer>): ArrayBuffer {
  const { buffer, byteLength } = bytes;
  return buffer.byteLength === byteLength ? buffer : bytes.slice().buffer;
}

// Types for inherited methods: here they know the events.
export interface WebSocket {
  /** Adds a listener, as on every EventTarget. */
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
  /** Removes a listener, as on every EventTarget. */
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
