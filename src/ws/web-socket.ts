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
  declare _isServer: boolean;
  /** @internal */
  declare _protocol: string;
  /** Of a client. @internal */
  declare _url?: string;

  // None is private to JavaScript (#state): that would fail through a Proxy, and some programs make one of a socket. Those that
  // most sockets never have are made when they are needed.
  private _state: 0 | 1 | 2 | 3 = CONNECTING;
  private _binaryType: BinaryType = "nodebuffer";
  private _connection: SocketConnection | undefined = undefined;
  private readonly _options: SocketOptions;
  declare private _handshake?: ClientHandshake | undefined;
  declare private _extensions?: readonly AgreedExtension[];
  declare private _paused?: boolean;
  /** Whether an error of the connection has been told, or is not to be. */
  declare private _failed?: boolean;
  /** Of a message that has been begun with `fin: false`: whether it is binary. */
  declare private _begun?: boolean | undefined;
  /** While a Blob is read. */
  declare private _blobs?: BlobQueue | undefined;
  /** How many bytes send() was given after the end. */
  declare private _refusedBytes?: number;

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
      // A server says what it wants of its options; those of a client have defaults.
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

  /** How many bytes wait to be sent: an upper bound while text is not encoded yet. */
  get bufferedAmount(): number {
    return (this._connection?.bufferedAmount ?? 0) + (this._blobs?.bytes ?? 0) + (this._refusedBytes ?? 0);
  }

  /** The names of the extensions that were agreed on, with commas between. */
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

  /** The stream below, once there is one. Its "drain" event and unref() are what it is for. */
  get _socket(): Duplex | null {
    return this._connection?.socket ?? null;
  }

  /** The way past send() for frames that Sender.frame() has made. */
  get _sender(): Pick<SocketConnection, "sendFrame"> | null {
    return this._connection ?? null;
  }

  /** Whether the peer's Close, and ours, were exchanged. @internal */
  get wasClean(): boolean {
    return this._connection?.ending?.wasClean === true;
  }

  /** Says what the handshake has agreed on: before setSocket(). @internal */
  agree(protocol: string | undefined, extensions: readonly AgreedExtension[]): void {
    if (protocol !== undefined) this._protocol = protocol;
    if (extensions.length > 0) this._extensions = extensions;
  }

  /**
   * Begins the connection on a stream whose opening handshake is done.
   * @param head what has been read of the stream after the handshake
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
    const connection = this._openConnection(data, callback);
    if (connection === undefined) return;
    if (callback === undefined && this._begun === undefined && this._blobs === undefined) {
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
    } else if (typeof data === "string" && options === undefined && this._begun === undefined && !this._blobs) {
      // Most messages of Socket.IO.
      if (!connection.send(data, { callback })) callback?.(new Error(ENDED));
      return;
    }
    const payload = asPayload(data);
    // As in ws, a name whose value is undefined is false.
    const given = { fin: true, compress: true, binary: typeof payload !== "string", ...options };
    const fin = Boolean(given.fin);
    const binary = this._begun ?? Boolean(given.binary);
    if (!fin || this._begun !== undefined) this._begun = fin ? undefined : binary;
    // Like that of ws, `compress: true` leaves short messages as they are.
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
   * Begins the closing handshake.
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

  /** Cuts the connection. */
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

  /** The opening handshake has failed: the last events, unless it has failed before. @internal */
  fail(error: Error): void {
    this._state = CLOSING;
    this.emit("error", error);
    this.emitClose();
  }

  /** It has failed, and the events come later. @internal */
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
    // As ws, which does not wait for the server to do so first (RFC 6455 §7.1.1).
    void connection.drained().then(() => connection.socket.end());
  }

  /** @internal */
  failed(error: Error): void {
    // ws tells of what is wrong with frames. That the stream has failed shows in "close".
    if (!(error instanceof WebSocketError)) return;
    if (error.code === "WS_ERR_TOO_MANY_PENDING_PONGS") {
      this._failed = true;
      this.terminate();
      return;
    }
    // As ws: without the reason that ours would have.
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
    // A frame that was wrong after our own Close is no "error" event of a connection, but one of ws.
    const { error } = this._connection!;
    if (error instanceof WebSocketError && !this._failed) this.emit("error", asWsError(error));
    this.emitClose(code, reason === "" ? EMPTY : Buffer.from(reason));
  }

  private _converted(data: Buffer): ArrayBuffer | Buffer[] | Blob {
    // The connection has joined the fragments.
    if (this._binaryType === "fragments") return data.length === 0 ? [] : [data];
    if (this._binaryType === "blob") return new Blob([data as Buffer<ArrayBuffer>]);
    const { buffer, byteOffset, byteLength } = data;
    const whole = byteLength === buffer.byteLength && buffer instanceof ArrayBuffer;
    return whole ? buffer : (buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
  }

  /** The next event is one of another turn of the event loop. */
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
    // One that setSocket() was to open has nothing to abort.
  }

  /** The connection that data may be sent on. Otherwise the callback is told why not. @throws Error while connecting */
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

  /** Sends what is no Blob at once, unless a Blob is to be sent before. */
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

/** Options of Connection.send() for a whole message; null if it takes more than `binary` to say what they mean. */
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
