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
import { type ConnectionOwner, SocketConnection } from "./socket-connection.ts";
import { asPayload, asReason, type Payload, sizeOf } from "./payload.ts";

/** The form of binary messages: a Buffer, an ArrayBuffer, a list of Buffers or a Blob. */
export type BinaryType = "nodebuffer" | "arraybuffer" | "fragments" | "blob";
/** Called without an error when a message has been sent, otherwise with the error. */
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

/** A WebSocket with the API of ws, implemented with a Connection. */
export class WebSocket extends EventEmitter implements ConnectionOwner {
  declare static readonly CONNECTING: 0;
  declare static readonly OPEN: 1;
  declare static readonly CLOSING: 2;
  declare static readonly CLOSED: 3;
  declare readonly CONNECTING: 0;
  declare readonly OPEN: 1;
  declare readonly CLOSING: 2;
  declare readonly CLOSED: 3;

  // Programs read these fields, and some set them: @fastify/websocket turns a server's socket into a client's before setSocket().
  /** @internal */
  declare _isServer: boolean;
  /** @internal */
  declare _protocol: string;
  /** Only for a client. @internal */
  declare _url?: string;

  // There are no private fields (#state), because a Proxy around a socket, as some programs make it, does not support them.
  // Fields that most sockets do not need are only declared, and set when they are needed.
  private _state: 0 | 1 | 2 | 3 = CONNECTING;
  private _binaryType: BinaryType = "nodebuffer";
  private _connection: SocketConnection | undefined = undefined;
  private readonly _options: SocketOptions;
  declare private _handshake?: ClientHandshake | undefined;
  declare private _extensions?: readonly AgreedExtension[];
  declare private _paused?: boolean;
  /** Whether the connection's error has been emitted, or must not be. */
  declare private _failed?: boolean;
  /** Whether the message that was begun with `fin: false` is binary; undefined between messages. */
  declare private _begun?: boolean | undefined;
  /** Messages that wait while a Blob is read. */
  declare private _blobs?: BlobQueue | undefined;
  /** The number of bytes passed to send() after the connection was open. */
  declare private _refusedBytes?: number;

  /**
   * Opens a connection. If the address is `null`, this is the server's side of a connection, which waits for setSocket().
   * @throws SyntaxError for an invalid URL or subprotocol
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
      // As in ws, autoPong is off here unless the options turn it on. A WebSocketServer turns it on by default.
      this._options = options?.autoPong ? options : { ...options, autoPong: false };
      return;
    }
    this._isServer = false;
    if (typeof protocols === "object" && protocols !== null && !isList(protocols)) {
      options = protocols;
      protocols = undefined;
    }
    const offered = protocols ?? options?.protocols ?? [];
    this._options = options ?? {};
    this._handshake = new ClientHandshake(this, address, isList(offered) ? offered : [offered], this._options);
    this._handshake.start();
  }

  get binaryType(): BinaryType {
    return this._binaryType;
  }

  set binaryType(type: BinaryType) {
    if (BINARY_TYPES.has(type)) this._binaryType = type;
  }

  /** The number of bytes that wait to be sent. It is an upper bound while text is not encoded yet. */
  get bufferedAmount(): number {
    return (this._connection?.bufferedAmount ?? 0) + (this._blobs?.bytes ?? 0) + (this._refusedBytes ?? 0);
  }

  /** The names of the negotiated extensions, separated by commas. */
  get extensions(): string {
    return (this._extensions ?? NONE).map(({ extension }) => extension.name).join();
  }

  get isPaused(): boolean {
    return this._paused === true;
  }

  get protocol(): string {
    return this._protocol;
  }

  get readyState(): 0 | 1 | 2 | 3 {
    if (this._state === OPEN && this._connection!.readyState !== OPEN) return CLOSING;
    return this._state;
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

  /** The underlying stream; null until the handshake is done. Programs use its "drain" event and unref(). */
  get _socket(): Duplex | null {
    return this._connection?.socket ?? null;
  }

  /** Sends frames that were made by Sender.frame(). */
  get _sender(): Pick<SocketConnection, "sendFrame"> | null {
    return this._connection ?? null;
  }

  /** Whether both sides have sent a Close. @internal */
  get wasClean(): boolean {
    return this._connection?.ending?.wasClean === true;
  }

  /** Sets the results of the handshake, before setSocket(). @internal */
  agree(protocol: string | undefined, extensions: readonly AgreedExtension[]): void {
    if (protocol !== undefined) this._protocol = protocol;
    if (extensions.length > 0) this._extensions = extensions;
  }

  /**
   * Starts the connection on a stream whose opening handshake is done.
   * @param head bytes that were read from the stream after the handshake
   */
  setSocket(socket: Duplex, head: Buffer, options: SocketOptions): void {
    if ("setTimeout" in socket && typeof socket.setTimeout === "function") socket.setTimeout(0);
    if ("setNoDelay" in socket && typeof socket.setNoDelay === "function") socket.setNoDelay();
    this._connection = new SocketConnection(
      this,
      socket,
      this._isServer ? "server" : "client",
      { protocol: this._protocol, extensions: this._extensions ?? NONE },
      head,
      connectionOptionsOf(options === this._options ? options : { ...this._options, ...options }),
    );
    if (this._handshake !== undefined) this._handshake = undefined;
    this._state = OPEN;
    this.emit("open");
  }

  /**
   * Sends a message, or a fragment of one. A string or a number is sent as text, other data as binary. Bytes are copied, except
   * while a Blob is read.
   * @throws Error while connecting @throws TypeError for data of another type, or bytes sent as text that are not UTF-8
   */
  send(data: Payload, callback?: SendCallback): void;
  send(data: Payload, options?: SendOptions, callback?: SendCallback): void;
  send(data: Payload, options?: SendOptions | SendCallback, callback?: SendCallback): void {
    if (typeof options === "function") {
      callback = options;
      options = undefined;
    }
    const connection = this._openConnection(data, callback);
    if (connection === undefined) return;
    if (callback === undefined && this._begun === undefined && this._blobs === undefined) {
      // The fast path for most messages.
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
    } else if (typeof data === "string" && options === undefined && this._begun === undefined && !this._blobs) {
      // The fast path for most messages of Socket.IO.
      if (!connection.send(data, { callback })) callback?.(new Error(ENDED));
      return;
    }
    const payload = asPayload(data);
    // As in ws, an option whose value is undefined counts as false.
    const given = { fin: true, compress: true, binary: typeof payload !== "string", ...options };
    const fin = Boolean(given.fin);
    const binary = this._begun ?? Boolean(given.binary);
    if (!fin || this._begun !== undefined) this._begun = fin ? undefined : binary;
    // As in ws, `compress: true` does not compress short messages.
    const how = { binary, fin, callback, ...(given.compress ? undefined : { compress: false }) };
    this._inOrder(payload, callback, (bytes) => {
      if (!connection.send(bytes, how)) callback?.(new Error(ENDED));
    });
  }

  ping(data?: Payload, mask?: boolean | SendCallback, callback?: SendCallback): void;
  ping(callback?: SendCallback): void;
  ping(data?: Payload | SendCallback, mask?: boolean | SendCallback, callback?: SendCallback): void {
    this._control("ping", data, mask, callback);
  }

  pong(data?: Payload, mask?: boolean | SendCallback, callback?: SendCallback): void;
  pong(callback?: SendCallback): void;
  pong(data?: Payload | SendCallback, mask?: boolean | SendCallback, callback?: SendCallback): void {
    this._control("pong", data, mask, callback);
  }

  /**
   * Starts the closing handshake, or gives up connecting.
   * @throws TypeError for a code that must not be sent @throws RangeError for a reason of more than 123 bytes
   */
  close(code?: number, data?: string | Buffer): void {
    if (this._state === CLOSED) return;
    if (this._state === CONNECTING) {
      this._abort();
      return;
    }
    if (this.readyState === CLOSING) return;
    const reason = asReason(code, data);
    if (this._blobs === undefined) {
      this._connection!.close(code, reason);
      return;
    }
    this._state = CLOSING;
    this._waitForBlobs(0, undefined, undefined, () => this._connection!.close(code, reason));
  }

  /** Destroys the socket, without a closing handshake. */
  terminate(): void {
    if (this._state === CLOSED) return;
    if (this._state === CONNECTING) {
      this._abort();
      return;
    }
    this._state = CLOSING;
    this._connection?.terminate();
  }

  pause(): void {
    if (this._connection === undefined || this._state === CLOSED) return;
    this._paused = true;
    this._connection.pause();
  }

  resume(): void {
    if (this._connection === undefined || this._state === CLOSED) return;
    this._paused = false;
    this._connection.resume();
  }

  /** Fails the opening handshake: emits "error" and "close". @internal */
  fail(error: Error): void {
    this._state = CLOSING;
    this.emit("error", error);
    this.emitClose();
  }

  /** Marks the opening handshake as failed. The caller emits the events later. @internal */
  failing(): void {
    this._state = CLOSING;
  }

  /** @internal */
  emitClose(code: number = 1006, reason: Buffer = EMPTY): void {
    this._state = CLOSED;
    this._blobs?.end(new Error("The socket was closed while the blob was being read"));
    this.emit("close", code, reason);
  }

  /** @internal */
  received(data: Buffer, isBinary: boolean): void {
    this.emit("message", isBinary && this._binaryType !== "nodebuffer" ? this._converted(data) : data, isBinary);
    if (this._options.allowSynchronousEvents === false) this._waitForTurn();
  }

  /** @internal */
  receivedControl(name: "ping" | "pong", data: Buffer): void {
    this.emit(name, data);
    if (this._options.allowSynchronousEvents === false) this._waitForTurn();
  }

  /** @internal */
  receivedClose(code: number, reason: string): void {
    const connection = this._connection!;
    if (code === 1005) connection.close();
    else connection.close(code, reason);
    // As in ws, a client does not wait for the server to end the stream first (RFC 6455 §7.1.1).
    void connection.drained().then(() => connection.socket.end());
  }

  /** @internal */
  failed(error: Error): void {
    // As in ws, only invalid frames cause "error". A failed stream causes "close" with 1006.
    if (!(error instanceof WebSocketError)) return;
    if (error.code === "WS_ERR_TOO_MANY_PENDING_PONGS") {
      this._failed = true;
      this.terminate();
      return;
    }
    // As in ws, the Close has no reason.
    this._connection!.close(error.closeCode);
    this._failed = true;
    this.emit("error", asWsError(error));
  }

  /** @internal */
  broken(error: unknown): void {
    this._failed = true;
    this.emit("error", error);
  }

  /** @internal */
  ended(code: number, reason: string): void {
    // Unlike a Connection, ws also emits "error" for an invalid frame after our own Close.
    const { error } = this._connection!;
    if (error instanceof WebSocketError && !this._failed) this.emit("error", asWsError(error));
    this.emitClose(code, reason === "" ? EMPTY : Buffer.from(reason));
  }

  private _converted(data: Buffer): ArrayBuffer | Buffer[] | Blob {
    // The connection joins fragments, so the list has one Buffer.
    if (this._binaryType === "fragments") return data.length === 0 ? [] : [data];
    if (this._binaryType === "blob") return new Blob([data as Buffer<ArrayBuffer>]);
    const { buffer, byteOffset, byteLength } = data;
    const whole = byteLength === buffer.byteLength && buffer instanceof ArrayBuffer;
    return whole ? buffer : (buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
  }

  /** Pauses, so that the next event is emitted in another turn of the event loop. */
  private _waitForTurn(): void {
    const connection = this._connection!;
    if (connection.isPaused) return;
    connection.pause();
    setImmediate(() => {
      if (!this._paused) connection.resume();
    });
  }

  private _abort(): void {
    this._handshake?.abort(ABORTED);
  }

  /** The connection to send data on. If it is not open, calls the callback with an error. @throws Error while connecting */
  private _openConnection(data: unknown, callback: SendCallback | undefined): Connection | undefined {
    const { readyState } = this;
    if (readyState === CONNECTING) throw new Error("WebSocket is not open: readyState 0 (CONNECTING)");
    if (readyState === OPEN) return this._connection;
    if (data) {
      this._refusedBytes = (this._refusedBytes ?? 0) + sizeOf(asPayload(data));
    }
    if (callback !== undefined) {
      process.nextTick(callback, new Error(`WebSocket is not open: readyState ${readyState} (${STATES[readyState]})`));
    }
    return undefined;
  }

  private _control(
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
    const connection = this._openConnection(data, callback);
    if (connection === undefined) return;
    this._inOrder(asPayload(data), callback, (bytes) => {
      const length = typeof bytes === "string" ? Buffer.byteLength(bytes) : bytes.byteLength;
      if (length > 125) throw new RangeError("The data size must not be greater than 125 bytes");
      connection[kind](bytes, { callback });
    });
  }

  /** Sends at once, unless the payload is a Blob or has to wait for one. */
  private _inOrder(
    payload: string | ArrayBufferView | Blob,
    callback: SendCallback | undefined,
    send: (data: string | ArrayBufferView) => void,
  ): void {
    const isBlob = typeof payload !== "string" && "size" in payload;
    if (!isBlob && this._blobs === undefined) {
      send(payload);
      return;
    }
    const blob = isBlob ? payload : undefined;
    this._waitForBlobs(sizeOf(payload), blob, callback, (data) => send(data ?? (payload as string | ArrayBufferView)));
  }

  private _waitForBlobs(
    size: number,
    blob: Blob | undefined,
    callback: SendCallback | undefined,
    send: (data?: Uint8Array) => void,
  ): void {
    const blobs = (this._blobs ??= new BlobQueue((error) => {
      this._state = CLOSING;
      this._connection!.socket.end();
      this.emit("error", error);
    }));
    blobs.push({
      size,
      blob,
      callback,
      send: (data) => {
        if (blobs.isEmpty) this._blobs = undefined;
        send(data);
      },
    });
  }
}

/** Options of Connection.send() for a whole message; null if other options than `binary` are set. */
function plainOptions(options: SendOptions): typeof AS_TEXT | undefined | null {
  for (const name in options) if (name !== "binary") return null;
  return options.binary ? undefined : AS_TEXT;
}

function isList(value: unknown): value is readonly string[] {
  return Array.isArray(value);
}

WebSocket.prototype._isServer = true;
WebSocket.prototype._protocol = "";

for (const [value, name] of STATES.entries()) {
  for (const target of [WebSocket, WebSocket.prototype]) {
    Object.defineProperty(target, name, { enumerable: true, value });
  }
}
// Enumerable, as in ws and in browsers.
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
