// What "wsframe/ws" declares, for require(). Written by hand, with the names and shapes that programs written for @types/ws rely on, and
// in terms that older compilers and types of Node understand. A test holds the implementation against it.

/* oxlint-disable typescript/no-explicit-any -- programs for @types/ws count on what is not checked */

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
 * One end of a connection: a client once you construct it with an address, or what a server's `'connection'` event hands you. It is an
 * EventEmitter, and has the members of a browser's WebSocket.
 */
declare class WebSocket extends EventEmitter {
  /** The opening handshake is not over. */
  static readonly CONNECTING: 0;
  /** Messages can be sent and received. */
  static readonly OPEN: 1;
  /** One side has sent a Close, or an error has ended the connection (RFC 6455 §7.1.3). */
  static readonly CLOSING: 2;
  /** The connection is over, or never came about. */
  static readonly CLOSED: 3;

  /** The opening handshake is not over. */
  readonly CONNECTING: 0;
  /** Messages can be sent and received. */
  readonly OPEN: 1;
  /** One side has sent a Close, or an error has ended the connection (RFC 6455 §7.1.3). */
  readonly CLOSING: 2;
  /** The connection is over, or never came about. */
  readonly CLOSED: 3;

  /**
   * How binary messages are delivered: as one Buffer, as an ArrayBuffer of their own, as the Buffers they arrived in, or as a Blob. All of
   * them are yours. Default `"nodebuffer"`.
   */
  binaryType: "nodebuffer" | "arraybuffer" | "fragments" | "blob";
  /** How many bytes of what was sent the system has not taken. */
  readonly bufferedAmount: number;
  /** The negotiated extensions, such as `permessage-deflate`, or `""`. */
  readonly extensions: string;
  /** Whether `pause()` has been called, and `resume()` not since. */
  readonly isPaused: boolean;
  /** The subprotocol that the server chose, or `""`. */
  readonly protocol: string;
  /** CONNECTING, OPEN, CLOSING or CLOSED. */
  readonly readyState: 0 | 1 | 2 | 3;
  /** The URL that a client connects to, after redirects; of a server's side undefined. */
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
   * With null: the server's side of a connection, for servers that make it themselves. Nothing happens before it gets a socket.
   */
  constructor(address: null, protocols?: undefined, options?: WebSocket.ServerSideOptions);
  /**
   * Connects to a server.
   * @param address with the scheme `ws:`, `wss:`, `http:`, `https:` or `ws+unix:`
   * @param protocols the subprotocols to offer
   * @throws SyntaxError if the address or a subprotocol is not one, RangeError if the protocol version is not supported
   */
  constructor(address: string | URL, options?: WebSocket.ClientOptions | ClientRequestArgs);
  /**
   * Connects to a server.
   * @param address with the scheme `ws:`, `wss:`, `http:`, `https:` or `ws+unix:`
   * @param protocols the subprotocols to offer
   * @throws SyntaxError if the address or a subprotocol is not one, RangeError if the protocol version is not supported
   */
  constructor(
    address: string | URL,
    protocols?: string | string[],
    options?: WebSocket.ClientOptions | ClientRequestArgs,
  );

  /**
   * Starts the closing handshake (RFC 6455 §7.1.2), or ends the attempt to connect.
   * @param data the reason: at most 123 bytes as UTF-8
   * @throws TypeError if the code must not be sent, RangeError if the reason is too long
   */
  close(code?: number, data?: string | Buffer): void;
  /**
   * Sends a Ping (RFC 6455 §5.5.2).
   * @param data at most 125 bytes
   * @param mask Default: whether this is a client
   * @param callback called once the frame is written, or with the error
   * @throws Error while the connection is CONNECTING, RangeError if the data is too long
   */
  ping(data?: unknown, mask?: boolean, callback?: (error: Error) => void): void;
  /** Sends a Pong that nobody asked for (RFC 6455 §5.5.3). Parameters and errors are those of `ping()`. */
  pong(data?: unknown, mask?: boolean, callback?: (error: Error) => void): void;
  /**
   * Sends a message: text if the data is a string or a number, else binary. Do not change bytes that you pass before the callback.
   * @param callback called once the message is written, or with the error
   * @throws Error while the connection is CONNECTING
   */
  send(data: WebSocket.Sendable, callback?: (error?: Error) => void): void;
  /**
   * Sends a message: text if the data is a string or a number, else binary. Do not change bytes that you pass before the callback.
   * @param callback called once the message is written, or with the error
   * @throws Error while the connection is CONNECTING
   */
  send(data: WebSocket.Sendable, options: WebSocket.SendOptions, callback?: (error?: Error) => void): void;
  /** Destroys the socket, without a closing handshake. */
  terminate(): void;
  /** Stops reading from the socket. What has arrived may still be emitted. Without effect while CONNECTING, and once CLOSED. */
  pause(): void;
  /** Reads from the socket again. Without effect while CONNECTING, and once CLOSED. */
  resume(): void;

  /** Adds a listener as in browsers. One that has been added before is not added again. */
  addEventListener<K extends keyof WebSocket.WebSocketEventMap>(
    type: K,
    listener: WebSocket.Handler<WebSocket.WebSocketEventMap[K]>,
    options?: WebSocket.EventListenerOptions,
  ): void;
  /** Removes a listener that `addEventListener()` has added. */
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
  /** Adds a listener for the next event alone. */
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
  /** `on()`. */
  addListener<K extends keyof WebSocket.SocketEvents>(
    event: K,
    listener: (...args: WebSocket.SocketEvents[K]) => void,
  ): this;
  addListener(event: string | symbol, listener: (...args: any[]) => void): this;
  /** `off()`. */
  removeListener<K extends keyof WebSocket.SocketEvents>(
    event: K,
    listener: (...args: WebSocket.SocketEvents[K]) => void,
  ): this;
  removeListener(event: string | symbol, listener: (...args: any[]) => void): this;
}

/** The class, where its name means a member of the namespace. */
declare const Itself: typeof WebSocket;
interface Itself extends WebSocket {}

declare namespace WebSocket {
  /** The payload of a message, as `binaryType` says; that of a text is a Buffer. With `"blob"` a binary message is a Blob. */
  type RawData = Buffer | ArrayBuffer | Buffer[];

  /** The `data` of a `message` event: a string if the message is text. */
  type Data = string | RawData;

  /** What `send()` takes: whatever `Buffer.from()` takes, numbers and Blobs. */
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

  /** The events of a WebSocket, and what their listeners are called with. */
  interface SocketEvents {
    /** The handshake has succeeded. */
    open: [];
    /** A message has arrived. */
    message: [data: RawData, isBinary: boolean];
    /** The connection is over: the code and the reason of the peer's Close; 1005 if it had none, 1006 if none came. */
    close: [code: number, reason: Buffer];
    /** Something went wrong. `close` follows. */
    error: [error: Error];
    /** A Ping has arrived; it is answered unless `autoPong` is false. */
    ping: [data: Buffer];
    /** A Pong has arrived. */
    pong: [data: Buffer];
    /** The server's answer has arrived, with its headers. */
    upgrade: [response: IncomingMessage];
    /** A redirect is followed. */
    redirect: [url: string, request: ClientRequest];
    /** The server refuses the handshake. With a listener you end the request; without one there is an error. */
    "unexpected-response": [request: ClientRequest, response: IncomingMessage];
  }

  /** The events of a WebSocketServer that has clients of class T and requests of class U. */
  interface ServerEvents<T extends typeof WebSocket.WebSocket, U extends typeof IncomingMessage> {
    /** The server listens. */
    listening: [];
    /** A handshake has succeeded. */
    connection: [websocket: InstanceType<T>, request: InstanceType<U>];
    /** The answer is about to be sent. You can change its lines. */
    headers: [headers: string[], request: InstanceType<U>];
    /** A handshake has failed. With a listener you end the socket; without one the client is answered. */
    wsClientError: [error: Error, socket: Duplex, request: InstanceType<U>];
    /** The server of its own has failed, for example since its port is taken. */
    error: [error: Error];
    /** The server is closed. */
    close: [];
  }

  /** A listener as browsers have it: a function, or an object with a method. */
  type Handler<E> = ((event: E) => void) | { handleEvent(event: E): void };

  /** A certificate or a key. */
  type CertMeta = string | string[] | Buffer | Buffer[];

  /** Says whether a client is let in. */
  type VerifyClientCallbackSync<Request extends IncomingMessage = IncomingMessage> = (
    info: VerifyClientInfo<Request>,
  ) => boolean;

  /** Says later whether a client is let in, and if not, what it is answered: 401 if there is no code. */
  type VerifyClientCallbackAsync<Request extends IncomingMessage = IncomingMessage> = (
    info: VerifyClientInfo<Request>,
    callback: (result: boolean, code?: number, message?: string, headers?: OutgoingHttpHeaders) => void,
  ) => void;

  /** Changes the request of a client before it goes out. It has to call `request.end()`. */
  type FinishRequestCallback = (request: ClientRequest, websocket: WebSocket) => void;

  /** Who asks to be let in. */
  interface VerifyClientInfo<Request extends IncomingMessage = IncomingMessage> {
    /** The Origin header. */
    origin: string;
    /** Whether the request came over TLS. */
    secure: boolean;
    /** The request itself. */
    req: Request;
  }

  /** Options of one message. */
  interface SendOptions {
    /** Whether the message is binary. Default: whether the data is neither a string nor a number. */
    binary?: boolean | undefined;
    /** Whether the message is compressed, if that has been negotiated. Default true. */
    compress?: boolean | undefined;
    /** Whether this is the last fragment of its message. Default true. */
    fin?: boolean | undefined;
    /** Whether the frame is masked (RFC 6455 §5.3). Default: whether this is a client. */
    mask?: boolean | undefined;
  }

  /** Options of both sides, once the handshake is done. */
  interface ConnectionOptions {
    /** Whether several `'message'`, `'ping'` and `'pong'` events may be emitted in one turn. Default true. */
    allowSynchronousEvents?: boolean | undefined;
    /** Whether Pings are answered. Default true. */
    autoPong?: boolean | undefined;
    /** How long the closing handshake may take after `close()`, in milliseconds; then the socket is destroyed. Default 30,000. */
    closeTimeout?: number | undefined;
    /** How many chunks of a message may wait for the rest of it. Default 262,144. */
    maxBufferedChunks?: number | undefined;
    /** How many fragments a message may have. Default 16,384. */
    maxFragments?: number | undefined;
    /** The largest message that is received, in bytes, decompressed. Default 100 MiB. */
    maxPayload?: number | undefined;
    /** How many automatic Pongs may wait to be written. Default 60. */
    maxPendingAutoPongs?: number | undefined;
    /** Whether text and reasons for closing are taken without a look at their UTF-8. Default false. */
    skipUTF8Validation?: boolean | undefined;
  }

  /** Options of the server's side of a connection that is made without a server. */
  interface ServerSideOptions extends ConnectionOptions {}

  /** Options of a client, beside those of `http.request()` and `https.request()`. */
  interface ClientOptions extends SecureContextOptions, ConnectionOptions {
    /** The agent of the request. Default: a socket of its own. */
    agent?: Agent | undefined;
    /** Checks the certificate of the server. Default: as `tls.connect()` does. */
    checkServerIdentity?(servername: string, certificate: CertMeta | PeerCertificate): boolean | Error | undefined;
    /** Opens the socket. Default: `net.connect()` or `tls.connect()`. */
    createConnection?: typeof createConnection | undefined;
    /** The version of IP: 4 or 6. Default: what the host name resolves to. */
    family?: number | undefined;
    /** Changes the request before it goes out. Default: nothing is changed. */
    finishRequest?: FinishRequestCallback | undefined;
    /** Whether redirects are followed. Default false. */
    followRedirects?: boolean | undefined;
    /** Writes the masking-key of a frame into four bytes. Default: random keys. */
    generateMask?(mask: Buffer): void;
    /** How long the opening handshake may take, in milliseconds. Default: as long as it takes. */
    handshakeTimeout?: number | undefined;
    /** Headers to add to the request. Default: none. */
    headers?: { [key: string]: string } | undefined;
    /** It has no effect: the URL has the host. Default: none. */
    host?: string | undefined;
    /** The address to connect from. Default: the system's choice. */
    localAddress?: string | undefined;
    /** How many redirects are followed. Default 10. */
    maxRedirects?: number | undefined;
    /** The Origin header. Default: none. */
    origin?: string | undefined;
    /** Whether permessage-deflate is offered, and with which parameters. Default true. */
    perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
    /** It has no effect: pass subprotocols to the constructor. Default: none. */
    protocol?: string | undefined;
    /** The version of the protocol: 13 or 8. Default 13. */
    protocolVersion?: number | undefined;
    /** Whether a certificate that cannot be verified is an error. Default true. */
    rejectUnauthorized?: boolean | undefined;
  }

  /** Parameters of permessage-deflate (RFC 7692 §7.1), and how zlib is used. */
  interface PerMessageDeflateOptions {
    /** Whether the server is to compress each message alone. Default false. */
    serverNoContextTakeover?: boolean | undefined;
    /** Whether the client is to compress each message alone. Default false. */
    clientNoContextTakeover?: boolean | undefined;
    /** The server's window: 2 to the power of this many bytes, 8 to 15. Default 15. */
    serverMaxWindowBits?: number | boolean | undefined;
    /** The client's window. Default 15. */
    clientMaxWindowBits?: number | boolean | undefined;
    /** Options of zlib for what is sent. Default: zlib's own. */
    zlibDeflateOptions?:
      | (Omit<ZlibOptions, "dictionary"> & {
          /** Bytes that both sides know before the first message. Default: none. */
          dictionary?: ZlibOptions["dictionary"] | Buffer[] | undefined;
        })
      | undefined;
    /** Options of zlib for what is received. Default: zlib's own. */
    zlibInflateOptions?: ZlibOptions | undefined;
    /** Shorter messages, in bytes, are not compressed if each would be compressed alone. Default 1024. */
    threshold?: number | undefined;
    /** It has no effect: zlib is called synchronously, and messages within limits. Default 10. */
    concurrencyLimit?: number | undefined;
  }

  /** An event as in browsers. */
  interface Event {
    /** Its name. */
    type: string;
    /** The connection. */
    target: WebSocket;
  }

  /** Something went wrong. The `close` event follows. */
  interface ErrorEvent extends Event {
    /** What went wrong. */
    error: any;
    /** The message of the error. */
    message: string;
  }

  /** The connection is over. */
  interface CloseEvent extends Event {
    /** Whether both sides have sent a Close. */
    wasClean: boolean;
    /** The code of the peer's Close; 1005 if it had none, 1006 if none came. */
    code: number;
    /** The reason that came with it. */
    reason: string;
  }

  /** A message has arrived. */
  interface MessageEvent extends Event {
    /** A string if the message is text, else what `binaryType` says. */
    data: Data;
  }

  /** The events that `addEventListener()` knows. */
  interface WebSocketEventMap {
    /** The handshake has succeeded. */
    open: Event;
    /** Something went wrong. */
    error: ErrorEvent;
    /** The connection is over. */
    close: CloseEvent;
    /** A message has arrived. */
    message: MessageEvent;
  }

  /** Options of `addEventListener()`. */
  interface EventListenerOptions {
    /** Whether the listener is removed when it has been called. Default false. */
    once?: boolean | undefined;
  }

  /** Options of a server. One of `port`, `server` and `noServer` is needed. */
  interface ServerOptions<
    U extends typeof WebSocket.WebSocket = typeof WebSocket.WebSocket,
    V extends typeof IncomingMessage = typeof IncomingMessage,
  > extends ConnectionOptions {
    /** How many connections may wait to be accepted by the system. Default 511. */
    backlog?: number | undefined;
    /** Whether `clients` holds the open connections. Default true. */
    clientTracking?: boolean | undefined;
    /** Chooses one of the subprotocols that the client offers, or none: false. Default: the first. */
    handleProtocols?: (protocols: Set<string>, request: InstanceType<V>) => string | false;
    /** The address to listen on. Default: all. */
    host?: string | undefined;
    /** No server: you call `handleUpgrade()`. Default false. */
    noServer?: boolean | undefined;
    /** The only path that is accepted. Default: all paths. */
    path?: string | undefined;
    /** Whether permessage-deflate is accepted, and with which parameters. Default false. */
    perMessageDeflate?: boolean | PerMessageDeflateOptions | undefined;
    /** The port of a server of its own; 0 for any that is free. Default: none. */
    port?: number | undefined;
    /** A server of yours, of which upgrades are taken. Default: none. */
    server?: HttpServer<V> | HttpsServer<V> | undefined;
    /** Says who is let in. Default: everybody. */
    verifyClient?: VerifyClientCallbackAsync<InstanceType<V>> | VerifyClientCallbackSync<InstanceType<V>> | undefined;
    /** The class of the server's connections: WebSocket or one that extends it. Default WebSocket. */
    WebSocket?: U | undefined;
  }

  /** Where a server listens. */
  interface AddressInfo {
    /** The address of IP. */
    address: string;
    /** IPv4 or IPv6. */
    family: string;
    /** The port. */
    port: number;
  }

  /** A server: it makes the opening handshake with those who ask for it, and emits a WebSocket for each. */
  class Server<
    T extends typeof WebSocket.WebSocket = typeof WebSocket.WebSocket,
    U extends typeof IncomingMessage = typeof IncomingMessage,
  > extends EventEmitter {
    /** The options, with the defaults. They are looked at with each request, so they can be changed. */
    options: ServerOptions<T, U>;
    /** The path of the options. */
    path: string;
    /** The open connections; undefined if `clientTracking` is false. */
    clients: Set<InstanceType<T>>;

    /**
     * @param callback a listener for `'listening'`
     * @throws TypeError if not exactly one of `port`, `server` and `noServer` is given
     */
    constructor(options?: ServerOptions<T, U>, callback?: () => void);

    /** Where it listens; null if it does not; the path of a Unix socket. @throws Error with `noServer` */
    address(): AddressInfo | string | null;
    /**
     * Takes no new connections. Those that are open stay open, and `'close'` waits for them if the server is its own. A server of yours
     * is not closed.
     * @param callback called when it is closed, with an error if it was before
     */
    close(callback?: (error?: Error) => void): void;
    /**
     * Answers a request to upgrade. You decide whether to emit `'connection'`.
     * @param upgradeHead what has arrived of the stream after the request
     * @param callback called with the connection if the handshake succeeds
     */
    handleUpgrade(
      request: InstanceType<U>,
      socket: Duplex,
      upgradeHead: Buffer,
      callback: (client: InstanceType<T>, request: InstanceType<U>) => void,
    ): void;
    /** Whether a request is this server's. By default its path is compared. Override it for rules of your own. */
    shouldHandle(request: InstanceType<U>): boolean | Promise<boolean>;

    /** Adds a listener. */
    on<K extends keyof ServerEvents<T, U>>(
      event: K,
      listener: (this: Server<T>, ...args: ServerEvents<T, U>[K]) => void,
    ): this;
    on(event: string | symbol, listener: (this: Server<T>, ...args: any[]) => void): this;
    /** Adds a listener for the next event alone. */
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
    /** `on()`. */
    addListener<K extends keyof ServerEvents<T, U>>(event: K, listener: (...args: ServerEvents<T, U>[K]) => void): this;
    addListener(event: string | symbol, listener: (...args: any[]) => void): this;
    /** `off()`. */
    removeListener<K extends keyof ServerEvents<T, U>>(
      event: K,
      listener: (...args: ServerEvents<T, U>[K]) => void,
    ): this;
    removeListener(event: string | symbol, listener: (...args: any[]) => void): this;
  }

  /** The server, by its other name. */
  const WebSocketServer: typeof Server;
  interface WebSocketServer extends Server {}
  /** The class itself. */
  const WebSocket: typeof Itself;
  interface WebSocket extends Itself {}

  /** Options of a Receiver: those of a connection that are about what arrives. A limit of 0 is none. */
  interface ReceiverOptions extends Pick<
    ConnectionOptions,
    "allowSynchronousEvents" | "maxBufferedChunks" | "maxFragments" | "maxPayload" | "skipUTF8Validation"
  > {
    /** How binary messages are delivered. Default `"nodebuffer"`. */
    binaryType?: WebSocket["binaryType"] | undefined;
    /** The negotiated extensions by their names. Default: none. */
    extensions?: { [name: string]: PerMessageDeflate } | undefined;
    /** Whether frames come from a client, masked. Default false. */
    isServer?: boolean | undefined;
  }

  /**
   * A stream that frames are written to. It emits `'message'` (data, isBinary), `'ping'` and `'pong'` (data), and `'conclude'` (code,
   * reason) for a Close.
   */
  class Receiver extends Writable {
    /** Makes one for one direction of one connection. */
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
    /** Where the masking-key is written. Default: a buffer of its own. */
    maskBuffer?: Buffer | undefined;
    /** The opcode (RFC 6455 §5.2). */
    opcode: number;
    /** Whether the data must not be changed. Default false: it may be masked in place. */
    readOnly?: boolean | undefined;
    /** The RSV1 bit. Default false. */
    rsv1?: boolean | undefined;
  }

  /** Writes frames to a socket. */
  class Sender {
    /** Makes one for one direction of one connection. */
    constructor(
      socket: Duplex,
      extensions?: { [name: string]: PerMessageDeflate },
      generateMask?: (mask: Buffer) => void,
    );
    /** A frame as what is to be written, in order. */
    static frame(data: Buffer | string, options: FrameOptions): (Buffer | string)[];
    /** Sends a Close. */
    close(code?: number, data?: string | Buffer, mask?: boolean, callback?: (error?: Error | null) => void): void;
    /** Sends a Ping. */
    ping(data: unknown, mask?: boolean, callback?: (error?: Error | null) => void): void;
    /** Sends a Pong. */
    pong(data: unknown, mask?: boolean, callback?: (error?: Error | null) => void): void;
    /** Sends a message or a fragment of one. */
    send(data: unknown, options: SendOptions, callback?: (error?: Error | null) => void): void;
    /** Writes what `frame()` has made, as it is. */
    sendFrame(list: readonly (Buffer | string)[], callback?: (error?: Error | null) => void): void;
  }

  /** An extension's parameters, each with all its values, for each time that it is named. */
  type ExtensionParameters = { [parameter: string]: (string | true)[] }[];

  /** What both sides have agreed upon, or one offers (RFC 7692 §7.1). */
  interface DeflateParameters {
    /** The server compresses each message alone. */
    server_no_context_takeover?: true;
    /** The client compresses each message alone. */
    client_no_context_takeover?: true;
    /** The server's window. */
    server_max_window_bits?: number;
    /** The client's window, or true if the server may choose it. */
    client_max_window_bits?: number | true;
  }

  /** permessage-deflate (RFC 7692) of one connection. */
  class PerMessageDeflate {
    /** `"permessage-deflate"`. */
    static readonly extensionName: string;
    /** Makes one that has not been negotiated. */
    constructor(
      options?: PerMessageDeflateOptions & {
        /** Whether this is the server's side. Default false. */
        isServer?: boolean | undefined;
        /** The largest message, in bytes, decompressed; 0 is none. Default 0. */
        maxPayload?: number | undefined;
      },
    );
    /** What a client offers. */
    offer(): DeflateParameters;
    /** Takes what the other side has sent, and returns the parameters agreed upon. @throws Error if they cannot be met */
    accept(configurations: ExtensionParameters): DeflateParameters;
    /** Compresses a message, or a fragment of one. */
    compress(data: Buffer | string, fin: boolean, callback: (error: Error | null, result?: Buffer) => void): void;
    /** Decompresses a message, or a fragment of one. */
    decompress(data: Buffer, fin: boolean, callback: (error: Error | null, result?: Buffer) => void): void;
    /** Frees what it holds. */
    cleanup(): void;
  }

  /** The Sec-WebSocket-Extensions header (RFC 6455 §9.1). */
  const extension: {
    /** The extensions of a header by their names. @throws SyntaxError */
    parse(header: string): { [name: string]: ExtensionParameters };
    /** A header of extensions. */
    format(extensions: { [name: string]: object | object[] }): string;
  };

  /** The Sec-WebSocket-Protocol header (RFC 6455 §11.3.4). */
  const subprotocol: {
    /** The subprotocols of a header, in order. @throws SyntaxError */
    parse(header: string): Set<string>;
  };

  /** A stream that writes messages and reads their payloads; text is read as text with `{ readableObjectMode: true }`. */
  function createWebSocketStream(websocket: WebSocket, options?: DuplexOptions): Duplex;
}

export = WebSocket;
