// The types of "wsframe/ws" for require(). They are written by hand, with the names and shapes of @types/ws, in syntax that older
// compilers and types of Node understand. A test compares the implementation with them.

/* oxlint-disable typescript/no-explicit-any -- programs written for @types/ws rely on any */

/// <reference types="node" />

import type { EventEmitter } from "node:events";
import type {
  Agent,
  ClientRequest,
  ClientRequestArgs,
  IncomingMessage,
  OutgoingHttpHeaders,
  Server as HttpServer,
} from "node:http";
import type { Server as HttpsServer } from "node:https";
import type { createConnection } from "node:net";
import type { Duplex, DuplexOptions, Writable } from "node:stream";
import type { PeerCertificate, SecureContextOptions } from "node:tls";
import type { URL } from "node:url";
import type { ZlibOptions } from "node:zlib";

/**
 * One side of a connection: a client that you construct with an address, or the argument of a server's `"connection"` event. It is
 * an EventEmitter, and also has the members of a browser's WebSocket.
 */
declare class WebSocket extends EventEmitter {
  /** The opening handshake is not done yet. */
  static readonly CONNECTING: 0;
  /** Messages can be sent and received. */
  static readonly OPEN: 1;
  /** One side has sent a Close, or an error has ended the connection (RFC 6455 §7.1.3). */
  static readonly CLOSING: 2;
  /** The connection has ended, or could not be opened. */
  static readonly CLOSED: 3;

  /** The opening handshake is not done yet. */
  readonly CONNECTING: 0;
  /** Messages can be sent and received. */
  readonly OPEN: 1;
  /** One side has sent a Close, or an error has ended the connection (RFC 6455 §7.1.3). */
  readonly CLOSING: 2;
  /** The connection has ended, or could not be opened. */
  readonly CLOSED: 3;

  /**
   * The form of binary messages: a Buffer, an ArrayBuffer, a list with one Buffer, or a Blob. You may keep and change them; short
   * Buffers share memory, as in Node. Default `"nodebuffer"`.
   */
  binaryType: "nodebuffer" | "arraybuffer" | "fragments" | "blob";
  /** The number of bytes that were passed to `send()` and that the system has not accepted yet. */
  readonly bufferedAmount: number;
  /** The negotiated extensions, such as `permessage-deflate`, or `""`. */
  readonly extensions: string;
  /** Whether the connection is paused. */
  readonly isPaused: boolean;
  /** The subprotocol that the server chose, or `""`. */
  readonly protocol: string;
  /** CONNECTING, OPEN, CLOSING or CLOSED. */
  readonly readyState: 0 | 1 | 2 | 3;
  /** The URL that a client is connected to, after redirects; undefined on a server. */
  readonly url: string;

  /** Called with the `open` event, if it is not null. */
  onopen: ((event: WebSocket.Event) => void) | null;
  /** Called with the `error` event, if it is not null. */
  onerror: ((event: WebSocket.ErrorEvent) => void) | null;
  /** Called with the `close` event, if it is not null. */
  onclose: ((event: WebSocket.CloseEvent) => void) | null;
  /** Called with the `message` event, if it is not null. */
  onmessage: ((event: WebSocket.MessageEvent) => void) | null;

  /**
   * Makes the server's side of a connection, for servers that do the handshake themselves. It waits for a socket.
   */
  constructor(address: null, protocols?: undefined, options?: WebSocket.ServerSideOptions);
  /**
   * Connects to a server.
   * @param address with the scheme `ws:`, `wss:`, `http:`, `https:` or `ws+unix:`
   * @param protocols the subprotocols to offer
   * @throws SyntaxError for an invalid address or subprotocol, RangeError for another protocol version than 8 or 13
   */
  constructor(address: string | URL, options?: WebSocket.ClientOptions | ClientRequestArgs);
  /**
   * Connects to a server.
   * @param address with the scheme `ws:`, `wss:`, `http:`, `https:` or `ws+unix:`
   * @param protocols the subprotocols to offer
   * @throws SyntaxError for an invalid address or subprotocol, RangeError for another protocol version than 8 or 13
   */
  constructor(
    address: string | URL,
    protocols?: string | string[],
    options?: WebSocket.ClientOptions | ClientRequestArgs,
  );

  /**
   * Starts the closing handshake (RFC 6455 §7.1.2), or ends the attempt to connect.
   * @param data the reason, up to 123 bytes of UTF-8
   * @throws TypeError if the code must not be sent, RangeError if the reason is too long
   */
  close(code?: number, data?: string | Buffer): void;
  /**
   * Sends a Ping (RFC 6455 §5.5.2).
   * @param data up to 125 bytes
   * @param mask has no effect: clients mask, servers do not
   * @param callback called when the frame is written, or with the error
   * @throws Error while the connection is CONNECTING, RangeError if the data is too long
   */
  ping(data?: unknown, mask?: boolean, callback?: (error: Error) => void): void;
  /** Sends an unsolicited Pong (RFC 6455 §5.5.3). The parameters and errors are those of `ping()`. */
  pong(data?: unknown, mask?: boolean, callback?: (error: Error) => void): void;
  /**
   * Sends a message: text if the data is a string or a number, otherwise binary. Do not change the data before the callback is
   * called.
   * @param callback called when the message is written, or with the error
   * @throws Error while the connection is CONNECTING
   */
  send(data: WebSocket.Sendable, callback?: (error?: Error) => void): void;
  /**
   * Sends a message: text if the data is a string or a number, otherwise binary. Do not change the data before the callback is
   * called.
   * @param callback called when the message is written, or with the error
   * @throws Error while the connection is CONNECTING
   */
  send(data: WebSocket.Sendable, options: WebSocket.SendOptions, callback?: (error?: Error) => void): void;
  /** Destroys the socket, without a closing handshake. */
  terminate(): void;
  /**
   * Stops reading from the socket. No message, Ping or Pong is emitted until `resume()`. It has no effect while CONNECTING or
   * CLOSED.
   */
  pause(): void;
  /** Reads from the socket again. It has no effect while CONNECTING or CLOSED. */
  resume(): void;

  /** Adds a listener as in browsers. It has no effect if the listener was added before. */
  addEventListener<K extends keyof WebSocket.WebSocketEventMap>(
    type: K,
    listener: WebSocket.Handler<WebSocket.WebSocketEventMap[K]>,
    options?: WebSocket.EventListenerOptions,
  ): void;
  /** Removes a listener that was added by `addEventListener()`. */
  removeEventListener<K extends keyof WebSocket.WebSocketEventMap>(
    type: K,
    listener: WebSocket.Handler<WebSocket.WebSocketEventMap[K]>,
  ): void;

  /** Adds a listener. */
  on<K extends keyof WebSocket.SocketEvents>(
    event: K,
    listener: (this: WebSocket, ...args: WebSocket.SocketEvents[K]) => void,
  ): this;
  on(event: string | symbol, listener: (this: WebSocket, ...args: any[]) => void): this;
  /** Adds a listener that is called only for the next event. */
  once<K extends keyof WebSocket.SocketEvents>(
    event: K,
    listener: (this: WebSocket, ...args: WebSocket.SocketEvents[K]) => void,
  ): this;
  once(event: string | symbol, listener: (this: WebSocket, ...args: any[]) => void): this;
  /** Removes a listener. */
  off<K extends keyof WebSocket.SocketEvents>(
    event: K,
    listener: (this: WebSocket, ...args: WebSocket.SocketEvents[K]) => void,
  ): this;
  off(event: string | symbol, listener: (this: WebSocket, ...args: any[]) => void): this;
  /** The same as `on()`. */
  addListener<K extends keyof WebSocket.SocketEvents>(
    event: K,
    listener: (...args: WebSocket.SocketEvents[K]) => void,
  ): this;
  addListener(event: string | symbol, listener: (...args: any[]) => void): this;
  /** The same as `off()`. */
  removeListener<K extends keyof WebSocket.SocketEvents>(
    event: K,
    listener: (...args: WebSocket.SocketEvents[K]) => void,
  ): this;
  removeListener(event: string | symbol, listener: (...args: any[]) => void): this;
}

/** The class, for use where the name WebSocket refers to a member of the namespace. */
declare const Itself: typeof WebSocket;
interface Itself extends WebSocket {}

declare namespace WebSocket {
  /**
   * The payload of a message. Text is a Buffer; binary messages have the form that `binaryType` names. With `"blob"` that is a
   * Blob.
   */
  type RawData = Buffer | ArrayBuffer | Buffer[];

  /** The `data` of a `message` event: a string if the message is text. */
  type Data = string | RawData;

  /** Data that `send()` accepts: all that `Buffer.from()` accepts, numbers and Blobs. */
  type Sendable =
    | string
    | number
    | ArrayBufferView
    | ArrayBuffer
    | SharedArrayBuffer
    | Blob
    | readonly unknown[]
    | { valueOf(): ArrayBuffer | SharedArrayBuffer | Uint8Array | readonly number[] | string }
    | { [Symbol.toPrimitive](hint: string): string };

  /** The events of a WebSocket, with the arguments of their listeners. */
  interface SocketEvents {
    /** The handshake has succeeded. */
    open: [];
    /** A message has arrived. */
    message: [data: RawData, isBinary: boolean];
    /**
     * The connection has ended. The arguments are the code and the reason of the peer's Close; 1005 if it has no code, 1006 if the
     * peer sent no Close.
     */
    close: [code: number, reason: Buffer];
    /** An error has occurred. `close` follows. */
    error: [error: Error];
    /** A Ping has arrived. It is answered unless `autoPong` is false. */
    ping: [data: Buffer];
    /** A Pong has arrived. */
    pong: [data: Buffer];
    /** The response to the handshake has arrived. */
    upgrade: [response: IncomingMessage];
    /** The client follows a redirect. */
    redirect: [url: string, request: ClientRequest];
    /** The server has refused the handshake. A listener must end the request. Without a listener, `error` is emitted. */
    "unexpected-response": [request: ClientRequest, response: IncomingMessage];
  }

  /** The events of a WebSocketServer with clients of class T and requests of class U. */
  interface ServerEvents<T extends typeof WebSocket.WebSocket, U extends typeof IncomingMessage> {
    /** The server listens. */
    listening: [];
    /** A handshake has succeeded. */
    connection: [websocket: InstanceType<T>, request: InstanceType<U>];
    /** The response is about to be sent. You may change its lines. */
    headers: [headers: string[], request: InstanceType<U>];
    /** A handshake has failed. A listener must answer and end the socket. Without a listener, the server answers. */
    wsClientError: [error: Error, socket: Duplex, request: InstanceType<U>];
    /** The HTTP server has failed, for example because the port is in use. */
    error: [error: Error];
    /** The server has closed. */
    close: [];
  }

  /** A listener as in browsers: a function, or an object with a method. */
  type Handler<E> = ((event: E) => void) | { handleEvent(event: E): void };

  /** A certificate or a key. */
  type CertMeta = string | string[] | Buffer | Buffer[];

  /** Decides whether to accept a client. A refused client gets 401. */
  type VerifyClientCallbackSync<Request extends IncomingMessage = IncomingMessage> = (
    info: VerifyClientInfo<Request>,
  ) => boolean;

  /** Decides asynchronously whether to accept a client. The other arguments describe the refusal; the default code is 401. */
  type VerifyClientCallbackAsync<Request extends IncomingMessage = IncomingMessage> = (
    info: VerifyClientInfo<Request>,
    callback: (result: boolean, code?: number, message?: string, headers?: OutgoingHttpHeaders) => void,
  ) => void;

  /** Changes the request of a client before it is sent. It must call `request.end()`. */
  type FinishRequestCallback = (request: ClientRequest, websocket: WebSocket) => void;

  /** The client that asks for a connection. */
  interface VerifyClientInfo<Request extends IncomingMessage = IncomingMessage> {
    /** The Origin header. */
    origin: string;
    /** Whether the request arrived over TLS. */
    secure: boolean;
    /** The request itself. */
    req: Request;
  }

  /** Options of one message. */
  interface SendOptions {
    /** Whether the message is binary. Default: whether the data is neither a string nor a number. */
    binary?: boolean | undefined;
    /** Whether to compress the message, if compression was negotiated. Default true. */
    compress?: boolean | undefined;
    /** Whether this is the last fragment of its message. Default true. */
    fin?: boolean | undefined;
    /** Whether a Sender masks the frame. A WebSocket ignores it: clients mask, servers do not (RFC 6455 §5.3). Default false. */
    mask?: boolean | undefined;
  }

  /** Options of both sides, once the handshake is done. */
  interface ConnectionOptions {
    /**
     * Whether several `"message"`, `"ping"` and `"pong"` events may be emitted in the same turn of the event loop. Default true.
     */
    allowSynchronousEvents?: boolean | undefined;
    /** Whether Pings are answered. Default true. */
    autoPong?: boolean | undefined;
    /** How long the closing handshake may take after `close()` before the socket is destroyed, in milliseconds. Default 30,000. */
    closeTimeout?: number | undefined;
    /**
     * How many chunks in a row a Receiver accepts without the end of a frame. A WebSocket ignores it, because it keeps no chunks.
     * Default 262,144.
     */
    maxBufferedChunks?: number | undefined;
    /** How many fragments a message may have. Default 16,384. */
    maxFragments?: number | undefined;
    /** The longest message that is accepted, in bytes after decompression. Default 100 MiB. */
    maxPayload?: number | undefined;
    /** How many automatic Pongs may wait to be written. Default 60. */
    maxPendingAutoPongs?: number | undefined;
    /**
     * Whether to accept text that is not valid UTF-8. A WebSocket always checks close reasons, a Receiver does not. Default false.
     */
    skipUTF8Validation?: boolean | undefined;
  }

  /** Options of the server's side of a connection that has no server. */
  interface ServerSideOptions extends ConnectionOptions {}

  /** Options of a client, in addition to those of `http.request()` and `https.request()`. */
  interface ClientOptions extends SecureContextOptions, ConnectionOptions {
    /** The agent of the request. Default: a new socket. */
    agent?: Agent | undefined;
    /** Checks the certificate of the server. Default: as `tls.connect()` does. */
    checkServerIdentity?(servername: string, certificate: CertMeta | PeerCertificate): boolean | Error | undefined;
    /** Opens the socket. Default: `net.connect()` or `tls.connect()`. */
    createConnection?: typeof createConnection | undefined;
    /** The version of IP: 4 or 6. Default: the version of the address that the host name resolves to. */
    family?: number | undefined;
    /** Changes the request before it is sent. Default: none. */
    finishRequest?: FinishRequestCallback | undefined;
    /** Whether redirects are followed. Default false. */
    followRedirects?: boolean | undefined;
    /** Writes the masking-key of a frame into four bytes. Default: random keys. */
    generateMask?(mask: Buffer): void;
    /** How long the opening handshake may take, in milliseconds. Default: no limit. */
    handshakeTimeout?: number | undefined;
    /** Headers to add to the request. Default: none. */
    headers?: { [key: string]: string } | undefined;
    /** Has no effect: the host is part of the URL. Default: none. */
    host?: string | undefined;
    /** The address to connect from. Default: the system's choice. */
    localAddress?: string | undefined;
    /** How many redirects are followed. Default 10. */
    maxRedirects?: number | undefined;
    /** The Origin header. Default: none. */
    origin?: string | undefined;
    /** Whether to offer permessage-deflate, and its parameters. Default true. */
    perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
    /** Has no effect: pass subprotocols to the constructor. Default: none. */
    protocol?: string | undefined;
    /** The version of the protocol: 13 or 8. Default 13. */
    protocolVersion?: number | undefined;
    /** Whether a certificate that cannot be verified is an error. Default true. */
    rejectUnauthorized?: boolean | undefined;
  }

  /** Parameters of permessage-deflate (RFC 7692 §7.1), and options of zlib. */
  interface PerMessageDeflateOptions {
    /** Whether the server compresses each message without the context of earlier ones. Default false. */
    serverNoContextTakeover?: boolean | undefined;
    /** Whether the client compresses each message without the context of earlier ones. Default false. */
    clientNoContextTakeover?: boolean | undefined;
    /** The size of the server's compression window in bytes, as a power of 2: 8 to 15. Default 15. */
    serverMaxWindowBits?: number | boolean | undefined;
    /** The size of the client's compression window in bytes, as a power of 2: 8 to 15. Default 15. */
    clientMaxWindowBits?: number | boolean | undefined;
    /**
     * Options of zlib for sending. A connection uses only `level`; the class PerMessageDeflate uses all. Default: those of zlib.
     */
    zlibDeflateOptions?:
      | (Omit<ZlibOptions, "dictionary"> & {
          /** Bytes that both sides know in advance. Default: none. */
          dictionary?: ZlibOptions["dictionary"] | Buffer[] | undefined;
        })
      | undefined;
    /** Options of zlib for receiving. Only the class PerMessageDeflate uses them. Default: those of zlib. */
    zlibInflateOptions?: ZlibOptions | undefined;
    /** The shortest message to compress without context takeover, in bytes. Default 1024. */
    threshold?: number | undefined;
    /** How many messages all instances of the class PerMessageDeflate process at a time. Connections ignore it. Default 10. */
    concurrencyLimit?: number | undefined;
  }

  /** An event as in browsers. */
  interface Event {
    /** The name of the event. */
    type: string;
    /** The connection. */
    target: WebSocket;
  }

  /** An error event. The `close` event follows. */
  interface ErrorEvent extends Event {
    /** The error. */
    error: any;
    /** The message of the error. */
    message: string;
  }

  /** The connection has ended. */
  interface CloseEvent extends Event {
    /** Whether both sides have sent a Close. */
    wasClean: boolean;
    /** The code of the peer's Close; 1005 if it has no code, 1006 if the peer sent no Close. */
    code: number;
    /** The reason in the peer's Close, or "". */
    reason: string;
  }

  /** A message has arrived. */
  interface MessageEvent extends Event {
    /** A string for text; for binary messages, the form that `binaryType` names. */
    data: Data;
  }

  /** The events that `addEventListener()` supports. */
  interface WebSocketEventMap {
    /** The handshake has succeeded. */
    open: Event;
    /** An error has occurred. */
    error: ErrorEvent;
    /** The connection has ended. */
    close: CloseEvent;
    /** A message has arrived. */
    message: MessageEvent;
  }

  /** Options of `addEventListener()`. */
  interface EventListenerOptions {
    /** Whether to remove the listener when it is called. Default false. */
    once?: boolean | undefined;
  }

  /** Options of a server. Exactly one of `port`, `server` and `noServer` is required. */
  interface ServerOptions<
    U extends typeof WebSocket.WebSocket = typeof WebSocket.WebSocket,
    V extends typeof IncomingMessage = typeof IncomingMessage,
  > extends ConnectionOptions {
    /** How many connections may wait until the server accepts them (see `net.Server.listen()`). Default 511. */
    backlog?: number | undefined;
    /** Whether `clients` contains the open connections. Default true. */
    clientTracking?: boolean | undefined;
    /** Chooses one of the subprotocols that the client offers, or returns false for none. Default: the first. */
    handleProtocols?: (protocols: Set<string>, request: InstanceType<V>) => string | false;
    /** The address to listen on. Default: all. */
    host?: string | undefined;
    /** Use no HTTP server: you call `handleUpgrade()`. Default false. */
    noServer?: boolean | undefined;
    /** Accept only this path. Other requests get 400. Default: all paths. */
    path?: string | undefined;
    /** Whether to accept permessage-deflate, and its parameters. Default false. */
    perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
    /** Create an HTTP server on this port; 0 for any free port. Default: none. */
    port?: number | undefined;
    /** Use this HTTP server: WebSocketServer handles its upgrade requests. Default: none. */
    server?: HttpServer<V> | HttpsServer<V> | undefined;
    /** Decides whether to accept a client. Default: accept all. */
    verifyClient?: VerifyClientCallbackAsync<InstanceType<V>> | VerifyClientCallbackSync<InstanceType<V>> | undefined;
    /** The class of the server's connections: WebSocket or one that extends it. Default WebSocket. */
    WebSocket?: U | undefined;
  }

  /** The address that a server listens on. */
  interface AddressInfo {
    /** The IP address. */
    address: string;
    /** IPv4 or IPv6. */
    family: string;
    /** The port. */
    port: number;
  }

  /** A server. It answers opening handshakes, and emits `"connection"` with a WebSocket for each client. */
  class Server<
    T extends typeof WebSocket.WebSocket = typeof WebSocket.WebSocket,
    U extends typeof IncomingMessage = typeof IncomingMessage,
  > extends EventEmitter {
    /** The options, with the defaults. They are read for each request, so you may change them. */
    options: ServerOptions<T, U>;
    /** The option `path`. */
    path: string;
    /** The open connections; undefined if `clientTracking` is false. */
    clients: Set<InstanceType<T>>;

    /**
     * @param callback a listener for `"listening"`
     * @throws TypeError if not exactly one of `port`, `server` and `noServer` is given
     */
    constructor(options?: ServerOptions<T, U>, callback?: () => void);

    /** The address that it listens on: the path for a Unix socket, null if it does not listen. @throws Error with `noServer` */
    address(): AddressInfo | string | null;
    /**
     * Stops accepting connections. Open connections stay open, and `"close"` is emitted after the last one has ended. With `server`
     * or `noServer`, that requires `clientTracking`. A server that you passed as `server` is not closed.
     * @param callback called when the server has closed, with an error if it was closed before
     */
    close(callback?: (error?: Error) => void): void;
    /**
     * Answers an upgrade request. You decide whether to emit `"connection"`.
     * @param upgradeHead bytes that arrived after the request
     * @param callback called with the connection if the handshake succeeds
     */
    handleUpgrade(
      request: InstanceType<U>,
      socket: Duplex,
      upgradeHead: Buffer,
      callback: (client: InstanceType<T>, request: InstanceType<U>) => void,
    ): void;
    /** Whether this server handles a request. By default it compares the path. Override it for your own rules. */
    shouldHandle(request: InstanceType<U>): boolean | Promise<boolean>;

    /** Adds a listener. */
    on<K extends keyof ServerEvents<T, U>>(
      event: K,
      listener: (this: Server<T>, ...args: ServerEvents<T, U>[K]) => void,
    ): this;
    on(event: string | symbol, listener: (this: Server<T>, ...args: any[]) => void): this;
    /** Adds a listener that is called only for the next event. */
    once<K extends keyof ServerEvents<T, U>>(
      event: K,
      listener: (this: Server<T>, ...args: ServerEvents<T, U>[K]) => void,
    ): this;
    once(event: string | symbol, listener: (this: Server<T>, ...args: any[]) => void): this;
    /** Removes a listener. */
    off<K extends keyof ServerEvents<T, U>>(
      event: K,
      listener: (this: Server<T>, ...args: ServerEvents<T, U>[K]) => void,
    ): this;
    off(event: string | symbol, listener: (this: Server<T>, ...args: any[]) => void): this;
    /** The same as `on()`. */
    addListener<K extends keyof ServerEvents<T, U>>(event: K, listener: (...args: ServerEvents<T, U>[K]) => void): this;
    addListener(event: string | symbol, listener: (...args: any[]) => void): this;
    /** The same as `off()`. */
    removeListener<K extends keyof ServerEvents<T, U>>(
      event: K,
      listener: (...args: ServerEvents<T, U>[K]) => void,
    ): this;
    removeListener(event: string | symbol, listener: (...args: any[]) => void): this;
  }

  /** Another name of the class Server. */
  const WebSocketServer: typeof Server;
  interface WebSocketServer extends Server {}
  /** The class itself. */
  const WebSocket: typeof Itself;
  interface WebSocket extends Itself {}

  /** Options of a Receiver: those options of a connection that apply to received frames. A limit of 0 means no limit. */
  interface ReceiverOptions extends Pick<
    ConnectionOptions,
    "allowSynchronousEvents" | "maxBufferedChunks" | "maxFragments" | "maxPayload" | "skipUTF8Validation"
  > {
    /** The form of binary messages. Default `"nodebuffer"`. */
    binaryType?: WebSocket["binaryType"] | undefined;
    /** The negotiated extensions, by name. Default: none. */
    extensions?: { [name: string]: PerMessageDeflate } | undefined;
    /** Whether the frames are from a client, and so masked. Default false. */
    isServer?: boolean | undefined;
  }

  /**
   * A stream that decodes the frames that you write to it. It emits `"message"` (data, isBinary), `"ping"` and `"pong"` (data), and
   * `"conclude"` (code, reason) for a Close.
   */
  class Receiver extends Writable {
    /** Creates a Receiver for one direction of one connection. */
    constructor(options?: ReceiverOptions);
  }

  /** Options of one frame. */
  interface FrameOptions {
    /** The FIN bit. Default false. */
    fin?: boolean | undefined;
    /** Writes the masking-key into four bytes. Default: random keys. */
    generateMask?: ((mask: Buffer) => void) | undefined;
    /** Whether the frame is masked. Default false. */
    mask?: boolean | undefined;
    /** The four bytes that the masking-key is written into. Default: a new buffer. */
    maskBuffer?: Buffer | undefined;
    /** The opcode (RFC 6455 §5.2). */
    opcode: number;
    /** Whether the data must not be changed. If false, it may be masked in place. Default false. */
    readOnly?: boolean | undefined;
    /** The RSV1 bit. Default false. */
    rsv1?: boolean | undefined;
  }

  /** Writes frames to a socket. */
  class Sender {
    /** Creates a Sender for one direction of one connection. */
    constructor(
      socket: Duplex,
      extensions?: { [name: string]: PerMessageDeflate },
      generateMask?: (mask: Buffer) => void,
    );
    /** Makes a frame. Returns the buffers to write, in order. With `mask`, `data` is masked in place, unless `readOnly` is true. */
    static frame(data: Buffer | string, options: FrameOptions): (Buffer | string)[];
    /**
     * Sends a Close (RFC 6455 §5.5.1).
     * @throws TypeError for a code that must not be sent, RangeError for a reason of more than 123 bytes
     */
    close(code?: number, data?: string | Buffer, mask?: boolean, callback?: (error?: Error | null) => void): void;
    /** Sends a Ping (RFC 6455 §5.5.2). @throws RangeError for more than 125 bytes */
    ping(data: unknown, mask?: boolean, callback?: (error?: Error | null) => void): void;
    /** Sends a Pong (RFC 6455 §5.5.3). @throws RangeError for more than 125 bytes */
    pong(data: unknown, mask?: boolean, callback?: (error?: Error | null) => void): void;
    /** Sends a message, or a fragment of one. Here all options default to false. */
    send(data: unknown, options: SendOptions, callback?: (error?: Error | null) => void): void;
    /** Writes the buffers that `frame()` returned. */
    sendFrame(list: readonly (Buffer | string)[], callback?: (error?: Error | null) => void): void;
  }

  /**
   * The parameters of an extension, one object for each time that the header names it. Each parameter has the list of its values.
   */
  type ExtensionParameters = { [parameter: string]: (string | true)[] }[];

  /** The negotiated parameters, or those of an offer (RFC 7692 §7.1). */
  interface DeflateParameters {
    /** The server compresses each message without the context of earlier ones. */
    server_no_context_takeover?: true;
    /** The client compresses each message without the context of earlier ones. */
    client_no_context_takeover?: true;
    /** The size of the server's window, as a power of 2. */
    server_max_window_bits?: number;
    /** The size of the client's window, as a power of 2; in an offer, true if the server may choose it. */
    client_max_window_bits?: number | true;
  }

  /** permessage-deflate (RFC 7692) for one connection. */
  class PerMessageDeflate {
    /** `"permessage-deflate"`. */
    static readonly extensionName: string;
    /** Creates an instance that is not negotiated yet. */
    constructor(
      options?: PerMessageDeflateOptions & {
        /** Whether this is the server's side. Default false. */
        isServer?: boolean | undefined;
        /** The longest message, in bytes after decompression; 0 for no limit. Default 0. */
        maxPayload?: number | undefined;
      },
    );
    /** Returns the parameters that a client offers. */
    offer(): DeflateParameters;
    /** Negotiates with the parameters that the peer has sent, and returns the result. @throws Error if they are not acceptable */
    accept(configurations: ExtensionParameters): DeflateParameters;
    /** Compresses a message, or a fragment of one; `fin` marks the last. Wait for the callback before the next call. */
    compress(data: Buffer | string, fin: boolean, callback: (error: Error | null, result?: Buffer) => void): void;
    /** Decompresses a message, or a fragment of one; `fin` marks the last. Wait for the callback before the next call. */
    decompress(data: Buffer, fin: boolean, callback: (error: Error | null, result?: Buffer) => void): void;
    /** Frees the memory of zlib. Calls that are still running end with an error. */
    cleanup(): void;
  }

  /** The Sec-WebSocket-Extensions header (RFC 6455 §9.1). */
  const extension: {
    /** Parses a header. Returns the extensions by name. @throws SyntaxError for an invalid header */
    parse(header: string): { [name: string]: ExtensionParameters };
    /** Writes a header. */
    format(extensions: { [name: string]: object | object[] }): string;
  };

  /** The Sec-WebSocket-Protocol header (RFC 6455 §11.3.4). */
  const subprotocol: {
    /**
     * Parses a header. Returns the subprotocols in order. @throws SyntaxError for an invalid header, or a name that occurs twice
     */
    parse(header: string): Set<string>;
  };

  /**
   * Makes a stream of messages: each chunk that you write is sent as one message, and each received message is one chunk. Text is
   * read as bytes, or with `{ readableObjectMode: true }` as strings.
   */
  function createWebSocketStream(websocket: WebSocket, options?: DuplexOptions): Duplex;
}

export = WebSocket;
