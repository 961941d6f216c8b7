import { EventEmitter } from "node:events";
import type { Duplex } from "node:stream";
import type { AgreedExtension } from "../index.ts";
import { WebSocketError } from "../index.ts";
import type { Connection } from "../node/connection.ts";
import { asWsError } from "./errors.ts";
import {
  addListener,
  type EventType,
  getProperty,
  type Listener,
  removeListener,
  setProperty,
} from "./event-target.ts";
import { BlobQueue } from "./blob-queue.ts";
import { ClientHandshake } from "./client.ts";
import { type ClientOptions, connectionOptionsOf, type SendOptions, type SocketOptions } from "./options.ts";
import { FrameSender } from "./frame-sender.ts";
import { type ConnectionOwner, SocketConnection } from "./socket-connection.ts";
import { asPayload, asReason, type Payload, sizeOf } from "./payload.ts";

/** What a binary message is: a Buffer, an ArrayBuffer, a list of Buffers or a Blob. */
export type BinaryType = "nodebuffer" | "arraybuffer" | "fragments" | "blob";
/** Called when a message has been sent, or with an error. */
export type SendCallback = (error?: Error) => void;

const BINARY_TYPES: ReadonlySet<unknown> = new Set(["nodebuffer", "arraybuffer", "fragments", "blob"]);
const STATES = ["CONNECTING", "OPEN", "CLOSING", "CLOSED"] as const;
const CONNECTING = 0;
const OPEN = 1;
const CLOSING = 2;
const CLOSED = 3;
const NONE: readonly AgreedExtension[] = [];
const AS_TEXT = { binary: false };
const EMPTY: Buffer = Buffer.alloc(0);
const ENDED = "The connection has ended before the message was sent";
const ABORTED = "WebSocket was closed before the connection was established";

/** A WebSocket with the API of ws, on a Connection. */
export class WebSocket extends EventEmitter implements ConnectionOwner {
  declare static readonly CONNECTING: 0;
  declare static readonly OPEN: 1;
  declare static readonly CLOSING: 2;
  declare static readonly CLOSED: 3;
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;

  // Programs look at these, and some set them: before setSocket(), @fastify/websocket makes a server's socket a client's.
  /** @internal */
  _isServer: boolean;
  /** @internal */
  _protocol = "";
  /** @internal */
  _url: string | undefined = undefined;

  #state: 0 | 1 | 2 | 3 = CONNECTING;
  #binaryType: BinaryType = "nodebuffer";
  #connection: Connection | undefined = undefined;
  #handshake: ClientHandshake | undefined = undefined;
  #extensions: readonly AgreedExtension[] = NONE;
  #sender: FrameSender | undefined = undefined;
  readonly #options: SocketOptions;
  #paused = false;
  /** Of a message that has been begun with `fin: false`: whether it is binary. */
  #begun: boolean | undefined = undefined;
  /** While a Blob is read. */
  #blobs: BlobQueue | undefined = undefined;
  /** How many bytes send() was given after the end. */
  #refusedBytes = 0;

  /**
   * Opens a connection. With `null` for the address it waits for setSocket(), as the server's side of a connection.
   * @throws SyntaxError for a URL or a subprotocol that cannot be
   */
  constructor(address: null, protocols?: undefined, options?: SocketOptions);
  constructor(address: string | URL, options?: ClientOptions);
  constructor(address: string | URL, protocols?: string | readonly string[], options?: ClientOptions);
  constructor(
    address: string | URL | null,
    protocols?: string | readonly string[] | ClientOptions,
    options?: ClientOptions,
  ) {
    super();
    if (address === null) {
      this._isServer = true;
      // A server says what it wants of its options; those of a client have defaults.
      this.#options = options?.autoPong ? options : { ...options, autoPong: false };
      return;
    }
    this._isServer = false;
    if (typeof protocols === "object" && protocols !== null && !isList(protocols)) {
      options = protocols;
      protocols = undefined;
    }
    const offered = protocols ?? options?.protocols ?? [];
    this.#options = options ?? {};
    this.#handshake = new ClientHandshake(this, address, isList(offered) ? offered : [offered], this.#options);
    this.#handshake.start();
  }

  get binaryType(): BinaryType {
    return this.#binaryType;
  }

  set binaryType(type: BinaryType) {
    if (BINARY_TYPES.has(type)) this.#binaryType = type;
  }

  /** How many bytes wait to be sent: an upper bound while text is not encoded yet. */
  get bufferedAmount(): number {
    return (this.#connection?.bufferedAmount ?? 0) + (this.#blobs?.bytes ?? 0) + this.#refusedBytes;
  }

  /** The names of the extensions that were agreed on, with commas between. */
  get extensions(): string {
    return this.#extensions.map(({ extension }) => extension.name).join();
  }

  get isPaused(): boolean {
    return this.#paused;
  }

  get protocol(): string {
    return this._protocol;
  }

  get readyState(): 0 | 1 | 2 | 3 {
    if (this.#state === OPEN && this.#connection!.readyState !== OPEN) return CLOSING;
    return this.#state;
  }

  get url(): string | undefined {
    return this._url;
  }

  get onopen(): Listener | null {
    return getProperty(this, "open");
  }

  set onopen(listener: Listener | null) {
    setProperty(this, "open", listener);
  }

  get onmessage(): Listener | null {
    return getProperty(this, "message");
  }

  set onmessage(listener: Listener | null) {
    setProperty(this, "message", listener);
  }

  get onclose(): Listener | null {
    return getProperty(this, "close");
  }

  set onclose(listener: Listener | null) {
    setProperty(this, "close", listener);
  }

  get onerror(): Listener | null {
    return getProperty(this, "error");
  }

  set onerror(listener: Listener | null) {
    setProperty(this, "error", listener);
  }

  addEventListener(type: EventType, listener: Listener, options?: { readonly once?: boolean }): void {
    addListener(this, type, listener, options);
  }

  removeEventListener(type: EventType, listener: Listener): void {
    removeListener(this, type, listener);
  }

  /** The stream below, once there is one. Its "drain" event and unref() are what it is for. */
  get _socket(): Duplex | null {
    return this.#connection?.socket ?? null;
  }

  /** The way past send() for frames that Sender.frame() has made. */
  get _sender(): FrameSender | null {
    if (this.#connection === undefined) return null;
    return (this.#sender ??= new FrameSender(this.#connection));
  }

  /** Whether the peer's Close, and ours, were exchanged. @internal */
  get wasClean(): boolean {
    return this.#connection?.ending?.wasClean === true;
  }

  /** Says what the handshake has agreed on: before setSocket(). @internal */
  agree(protocol: string | undefined, extensions: readonly AgreedExtension[]): void {
    this._protocol = protocol ?? "";
    if (extensions.length > 0) this.#extensions = extensions;
  }

  /**
   * Begins the connection on a stream whose opening handshake is done.
   * @param head what has been read of the stream after the handshake
   */
  setSocket(socket: Duplex, head: Buffer, options: SocketOptions): void {
    if ("setTimeout" in socket && typeof socket.setTimeout === "function") socket.setTimeout(0);
    if ("setNoDelay" in socket && typeof socket.setNoDelay === "function") socket.setNoDelay();
    this.#connection = new SocketConnection(
      this,
      socket,
      this._isServer ? "server" : "client",
      { protocol: this._protocol, extensions: this.#extensions },
      head,
      connectionOptionsOf({ ...this.#options, ...options }),
    );
    this.#handshake = undefined;
    this.#state = OPEN;
    this.emit("open");
  }

  /**
   * Sends a message, or a fragment of one: text for a string, else binary. Bytes are copied.
   * @throws Error while connecting @throws TypeError for what is no data, or bytes of text that are not UTF-8
   */
  send(data: Payload, callback?: SendCallback): void;
  send(data: Payload, options?: SendOptions, callback?: SendCallback): void;
  send(data: Payload, options?: SendOptions | SendCallback, callback?: SendCallback): void {
    if (typeof options === "function") {
      callback = options;
      options = undefined;
    }
    const connection = this.#openConnection(data, callback);
    if (connection === undefined) return;
    if (callback === undefined && this.#begun === undefined && this.#blobs === undefined) {
      // Most messages.
      if (data instanceof Uint8Array) {
        const how = options === undefined ? undefined : plainOptions(options);
        if (how !== null) {
          connection.send(data, how);
          return;
        }
      } else if (typeof data === "string" && options === undefined) {
        connection.send(data);
        return;
      }
    } else if (typeof data === "string" && options === undefined && this.#begun === undefined && !this.#blobs) {
      // Most messages of Socket.IO.
      if (!connection.send(data, { callback })) callback?.(new Error(ENDED));
      return;
    }
    const payload = asPayload(data);
    // As in ws, a name whose value is undefined is false.
    const given = { fin: true, compress: true, binary: typeof payload !== "string", ...options };
    const fin = Boolean(given.fin);
    const binary = this.#begun ?? Boolean(given.binary);
    this.#begun = fin ? undefined : binary;
    // Like that of ws, `compress: true` leaves short messages as they are.
    const how = { binary, fin, callback, ...(given.compress ? undefined : { compress: false }) };
    this.#inOrder(payload, callback, (bytes) => {
      if (!connection.send(bytes, how)) callback?.(new Error(ENDED));
    });
  }

  ping(data?: Payload, mask?: boolean | SendCallback, callback?: SendCallback): void;
  ping(callback?: SendCallback): void;
  ping(data?: Payload | SendCallback, mask?: boolean | SendCallback, callback?: SendCallback): void {
    this.#control("ping", data, mask, callback);
  }

  pong(data?: Payload, mask?: boolean | SendCallback, callback?: SendCallback): void;
  pong(callback?: SendCallback): void;
  pong(data?: Payload | SendCallback, mask?: boolean | SendCallback, callback?: SendCallback): void {
    this.#control("pong", data, mask, callback);
  }

  /**
   * Begins the closing handshake.
   * @throws TypeError for a code that must not be sent @throws RangeError for a reason of more than 123 bytes
   */
  close(code?: number, data?: string | Buffer): void {
    if (this.#state === CLOSED) return;
    if (this.#state === CONNECTING) {
      this.#abort();
      return;
    }
    if (this.readyState === CLOSING) return;
    const reason = asReason(code, data);
    if (this.#blobs === undefined) {
      this.#connection!.close(code, reason);
      return;
    }
    this.#state = CLOSING;
    this.#waitForBlobs(0, undefined, undefined, () => this.#connection!.close(code, reason));
  }

  /** Cuts the connection. */
  terminate(): void {
    if (this.#state === CLOSED) return;
    if (this.#state === CONNECTING) {
      this.#abort();
      return;
    }
    this.#state = CLOSING;
    this.#connection?.terminate();
  }

  pause(): void {
    if (this.#connection === undefined || this.#state === CLOSED) return;
    this.#paused = true;
    this.#connection.pause();
  }

  resume(): void {
    if (this.#connection === undefined || this.#state === CLOSED) return;
    this.#paused = false;
    this.#connection.resume();
  }

  /** The opening handshake has failed: the last events, unless it has failed before. @internal */
  fail(error: Error): void {
    this.#state = CLOSING;
    this.emit("error", error);
    this.emitClose();
  }

  /** It has failed, and the events come later. @internal */
  failing(): void {
    this.#state = CLOSING;
  }

  /** @internal */
  emitClose(code: number = 1006, reason: Buffer = EMPTY): void {
    this.#state = CLOSED;
    this.#blobs?.end(new Error("The socket was closed while the blob was being read"));
    this.emit("close", code, reason);
  }

  /** @internal */
  received(data: Buffer, isBinary: boolean): void {
    this.emit("message", isBinary && this.#binaryType !== "nodebuffer" ? this.#converted(data) : data, isBinary);
    if (this.#options.allowSynchronousEvents === false) this.#waitForTurn();
  }

  /** @internal */
  receivedControl(name: "ping" | "pong", data: Buffer): void {
    this.emit(name, data);
    if (this.#options.allowSynchronousEvents === false) this.#waitForTurn();
  }

  /** @internal */
  receivedClose(code: number, reason: string): void {
    const connection = this.#connection!;
    if (code === 1005) connection.close();
    else connection.close(code, reason);
    // As ws, which does not wait for the server to do so first (RFC 6455 §7.1.1).
    void connection.drained().then(() => connection.socket.end());
  }

  /** @internal */
  failed(error: Error): void {
    // ws tells of what is wrong with frames. That the stream has failed shows in "close".
    if (!(error instanceof WebSocketError)) return;
    if (error.code === "WS_ERR_TOO_MANY_PENDING_PONGS") {
      this.terminate();
      return;
    }
    // As ws: without the reason that ours would have.
    this.#connection!.close(error.closeCode);
    this.emit("error", asWsError(error));
  }

  /** @internal */
  ended(code: number, reason: string): void {
    this.emitClose(code, reason === "" ? EMPTY : Buffer.from(reason));
  }

  #converted(data: Buffer): ArrayBuffer | Buffer[] | Blob {
    // The connection has joined the fragments.
    if (this.#binaryType === "fragments") return data.length === 0 ? [] : [data];
    if (this.#binaryType === "blob") return new Blob([data as Buffer<ArrayBuffer>]);
    const { buffer, byteOffset, byteLength } = data;
    const whole = byteLength === buffer.byteLength && buffer instanceof ArrayBuffer;
    return whole ? buffer : (buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
  }

  /** The next event is one of another turn of the event loop. */
  #waitForTurn(): void {
    const connection = this.#connection!;
    if (connection.isPaused) return;
    connection.pause();
    setImmediate(() => {
      if (!this.#paused) connection.resume();
    });
  }

  #abort(): void {
    this.#handshake?.abort(ABORTED);
    // One that setSocket() was to open has nothing to abort.
  }

  /** The connection that data may be sent on. Otherwise the callback is told why not. @throws Error while connecting */
  #openConnection(data: unknown, callback: SendCallback | undefined): Connection | undefined {
    const { readyState } = this;
    if (readyState === CONNECTING) throw new Error("WebSocket is not open: readyState 0 (CONNECTING)");
    if (readyState === OPEN) return this.#connection;
    if (data) {
      this.#refusedBytes += sizeOf(asPayload(data));
    }
    if (callback !== undefined) {
      process.nextTick(callback, new Error(`WebSocket is not open: readyState ${readyState} (${STATES[readyState]})`));
    }
    return undefined;
  }

  #control(
    kind: "ping" | "pong",
    data: Payload | SendCallback | undefined,
    mask: boolean | SendCallback | undefined,
    callback: SendCallback | undefined,
  ): void {
    if (typeof data === "function") {
      callback = data;
      data = undefined;
    } else if (typeof mask === "function") {
      callback = mask;
    }
    const connection = this.#openConnection(data, callback);
    if (connection === undefined) return;
    this.#inOrder(asPayload(data), callback, (bytes) => {
      const length = typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.byteLength;
      if (length > 125) throw new RangeError("The data size must not be greater than 125 bytes");
      connection[kind](bytes, { callback });
    });
  }

  /** Sends what is no Blob at once, unless a Blob is to be sent before. */
  #inOrder(
    payload: string | ArrayBufferView | Blob,
    callback: SendCallback | undefined,
    send: (data: string | ArrayBufferView) => void,
  ): void {
    const isBlob = typeof payload !== "string" && "size" in payload;
    if (!isBlob && this.#blobs === undefined) {
      send(payload);
      return;
    }
    const blob = isBlob ? payload : undefined;
    this.#waitForBlobs(sizeOf(payload), blob, callback, (data) => send(data ?? (payload as string | ArrayBufferView)));
  }

  #waitForBlobs(
    size: number,
    blob: Blob | undefined,
    callback: SendCallback | undefined,
    send: (data?: Uint8Array) => void,
  ): void {
    const blobs = (this.#blobs ??= new BlobQueue((error) => {
      this.#state = CLOSING;
      this.#connection!.socket.end();
      this.emit("error", error);
    }));
    blobs.push({
      size,
      blob,
      callback,
      send: (data) => {
        if (blobs.isEmpty) this.#blobs = undefined;
        send(data);
      },
    });
  }
}

/** Options of Connection.send() for a whole message; null if it takes more than `binary` to say what they mean. */
function plainOptions(options: SendOptions): typeof AS_TEXT | undefined | null {
  for (const name in options) if (name !== "binary") return null;
  return options.binary ? undefined : AS_TEXT;
}

function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value);
}

for (const [value, name] of STATES.entries()) {
  for (const target of [WebSocket, WebSocket.prototype]) {
    Object.defineProperty(target, name, { enumerable: true, value });
  }
}
// As those of ws and of browsers.
for (const name of [
  "binaryType",
  "bufferedAmount",
  "extensions",
  "isPaused",
  "protocol",
  "readyState",
  "url",
  "onopen",
  "onmessage",
  "onclose",
  "onerror",
]) {
  Object.defineProperty(WebSocket.prototype, name, { enumerable: true });
}
