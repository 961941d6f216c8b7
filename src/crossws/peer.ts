import type { Hooks, Peer, PeerContext, WaitForDrainOptions, WSError } from "crossws";
import { WebSocketError } from "../index.ts";
import type { Connection } from "../node/index.ts";
import { Broadcast, type PeerSendOptions, sendPayload, toPayload } from "./data.ts";
import { type Admitted, call } from "./hooks.ts";
import { inspectAs } from "./inspect.ts";
import { asMessage, PeerMessage, type PublicPart } from "./message.ts";
import type { WsframeAdapterOptions } from "./options.ts";
import type { Relay } from "./relay.ts";
import type { Room, Rooms } from "./rooms.ts";
import { PeerWebSocket } from "./web-socket.ts";

/** The state that all peers of an adapter share. */
export interface Shared {
  readonly options: WsframeAdapterOptions;
  readonly rooms: Rooms;
  readonly relay: Relay | undefined;
  /** Whether keepalive sends Pings. If so, some empty Pongs do not answer a ping() of a peer. */
  readonly keepsAlive: boolean;
}

/** With this many waiting bytes, a socket of Node would report that it is full, and emit "drain" later. */
const DRAIN_MARK = 16384;
/** The default of `pollInterval` in crossws, in milliseconds. */
const POLL_INTERVAL = 100;

/** The peer that hooks get. There is one for each connection. */
export class WsframePeer implements Omit<PublicPart<Peer>, "websocket"> {
  readonly request: Request;
  readonly context: PeerContext;
  readonly namespace: string;
  /** Stored, so that it is known after the connection has ended. */
  readonly remoteAddress: string | undefined;
  readonly connection: Connection;
  readonly #shared: Shared;
  readonly #resolved: Partial<Hooks> | undefined;
  readonly #room: Room;
  #id: string | undefined = undefined;
  #topics: Set<string> | undefined = undefined;
  #websocket: PeerWebSocket | undefined = undefined;
  /** The pending calls of waitForDrain(). */
  #waits: Set<() => void> | undefined = undefined;
  #drainDue = false;
  /** The number of empty Pings of ping() that have no Pong yet. */
  #pings = 0;
  #left = false;

  constructor(
    connection: Connection,
    request: Request,
    { context, namespace, resolved }: Admitted,
    remoteAddress: string | undefined,
    shared: Shared,
  ) {
    this.connection = connection;
    this.request = request;
    this.context = context;
    this.namespace = namespace;
    this.remoteAddress = remoteAddress;
    this.#shared = shared;
    this.#resolved = resolved;
    this.#room = shared.rooms.enter(namespace, asPeer(this));
  }

  get id(): string {
    return (this.#id ??= crypto.randomUUID());
  }

  get websocket(): PeerWebSocket {
    return (this.#websocket ??= new PeerWebSocket(this.connection, this.request));
  }

  get peers(): Set<Peer> {
    return this.#room.peers;
  }

  /** Do not change this set: use subscribe() and unsubscribe(). */
  get topics(): Set<string> {
    return (this.#topics ??= new Set());
  }

  get bufferedAmount(): number {
    return this.connection.bufferedAmount;
  }

  /** Returns `bufferedAmount` afterwards. @throws TypeError for data that cannot be sent */
  send(data: unknown, options?: PeerSendOptions): number {
    sendPayload(this.connection, toPayload(data), options);
    return this.#sent();
  }

  deliver(message: Broadcast): void {
    message.sendTo(this.connection);
    this.#sent();
  }

  subscribe(topic: string): void {
    this.topics.add(topic);
    if (!this.#left) this.#room.subscribe(topic, this);
  }

  unsubscribe(topic: string): void {
    this.#topics?.delete(topic);
    this.#room.unsubscribe(topic, this);
  }

  /** Sends to the other subscribers, here and on other instances. @throws TypeError for data that cannot be sent */
  publish(topic: string, data: unknown, options?: PeerSendOptions): void {
    const message = new Broadcast(data, options);
    this.#room.publish(topic, message, this);
    this.#shared.relay?.publish(this.namespace, topic, message.payload);
  }

  _publish(topic: string, data: unknown, options?: PeerSendOptions): void {
    this.#room.publish(topic, new Broadcast(data, options), this);
  }

  /** @throws RangeError for a code that must not be sent */
  close(code?: number, reason?: string): void {
    this.connection.close(code, code === undefined ? undefined : reason);
    this.#wake();
  }

  terminate(): void {
    this.connection.terminate();
    this.#wake();
  }

  /** Sends a Ping. If the data is not valid for a Ping, the error hook is called. */
  ping(data?: unknown): void {
    try {
      const payload = toPayload(data);
      if (payload instanceof Blob) throw new TypeError("ping() does not accept a Blob");
      if (this.connection.ping(payload) && lengthOf(payload) === 0) this.#pings++;
    } catch (error) {
      this.#tellError(error);
    }
  }

  /**
   * Resolves when not more than `threshold` bytes wait to be written, or when the connection is no longer open. With the default
   * threshold of 0 it resolves at once when all is written. With another threshold, it also checks every `pollInterval` ms.
   */
  waitForDrain({ threshold = 0, pollInterval = POLL_INTERVAL, signal }: WaitForDrainOptions = {}): Promise<void> {
    const { connection } = this;
    if (connection.bufferedAmount <= threshold) return Promise.resolve();
    if (signal?.aborted) return Promise.reject(signal.reason as Error);
    if (connection.readyState !== 1) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const look = () => {
        if (connection.bufferedAmount <= threshold) settle();
      };
      const timer = threshold > 0 ? setInterval(look, pollInterval).unref() : undefined;
      const leave = () => {
        clearInterval(timer);
        signal?.removeEventListener("abort", abort);
        this.#waits?.delete(settle);
      };
      const settle = () => {
        leave();
        resolve();
      };
      const abort = () => {
        leave();
        reject(signal?.reason as Error);
      };
      signal?.addEventListener("abort", abort, { once: true });
      (this.#waits ??= new Set()).add(settle);
      void connection.drained().then(settle);
    });
  }

  toString(): string {
    return this.id;
  }

  [Symbol.toPrimitive](): string {
    return this.id;
  }

  [Symbol.toStringTag](): "WebSocket" {
    return "WebSocket";
  }

  /** Starts to call the hooks. */
  open(): void {
    const { connection } = this;
    const { hooks } = this.#shared.options;
    connection.on("message", (data) => {
      const message = new PeerMessage(data, asPeer(this));
      call(this.#shared.options.hooks?.message, this.#resolved?.message, asPeer(this), asMessage(message));
    });
    connection.on("error", (error) => this.#failed(error));
    connection.on("close", (code, reason) => this.#closed(code, reason));
    // Without these listeners, their payloads need not be copied.
    if (hooks?.ping ?? this.#resolved?.ping) connection.on("ping", (data) => this.#tell("ping", data));
    if (hooks?.pong ?? this.#resolved?.pong) connection.on("pong", (data) => this.#ponged(data));
    call(hooks?.open, this.#resolved?.open, asPeer(this));
  }

  #tell(name: "ping" | "pong", data: Uint8Array): void {
    call(this.#shared.options.hooks?.[name], this.#resolved?.[name], asPeer(this), data);
  }

  #ponged(data: Uint8Array): void {
    if (data.length === 0 && this.#shared.keepsAlive && this.#pings-- === 0) {
      this.#pings = 0;
      return;
    }
    this.#tell("pong", data);
  }

  #failed(error: Error): void {
    this.#leave();
    if (error instanceof WebSocketError && error.code === "WS_ERR_PONG_TIMEOUT") {
      // A peer that does not answer Pings does not answer a Close, either.
      this.connection.terminate();
    } else if (error !== this.connection.socket.errored) {
      // A socket that fails is not an error here: the close hook gets 1006.
      this.#tellError(error);
    }
  }

  #tellError(cause: unknown): void {
    const error = new AdapterError(cause instanceof Error ? cause.message : String(cause), { cause });
    call(this.#shared.options.hooks?.error, this.#resolved?.error, asPeer(this), error);
  }

  #closed(code: number, reason: string): void {
    this.#leave();
    this.#wake();
    call(this.#shared.options.hooks?.close, this.#resolved?.close, asPeer(this), { code, reason });
  }

  /** Leaves the namespace and all topics. */
  #leave(): void {
    if (this.#left) return;
    this.#left = true;
    this.#shared.rooms.leave(this.namespace, asPeer(this));
    if (this.#topics) for (const topic of this.#topics) this.#room.unsubscribe(topic, this);
  }

  #sent(): number {
    const { bufferedAmount } = this.connection;
    if (bufferedAmount >= DRAIN_MARK && !this.#drainDue) this.#awaitDrain();
    return bufferedAmount;
  }

  /** Calls the drain hook when all waiting bytes are written. */
  #awaitDrain(): void {
    if ((this.#shared.options.hooks?.drain ?? this.#resolved?.drain) === undefined) return;
    this.#drainDue = true;
    void this.connection.drained().then(() => {
      this.#drainDue = false;
      if (this.connection.readyState === 3) return;
      call(this.#shared.options.hooks?.drain, this.#resolved?.drain, asPeer(this));
    });
  }

  #wake(): void {
    if (this.#waits) for (const settle of this.#waits) settle();
  }
}

inspectAs(WsframePeer.prototype, (peer) => ({ peer: { id: peer.id, ip: peer.remoteAddress } }));

/** The connection of a peer of wsframeAdapter(), for example to send a message in pieces. Undefined for peers of other adapters. */
export function connectionOf(peer: Peer): Connection | undefined {
  const own: unknown = peer;
  return own instanceof WsframePeer ? own.connection : undefined;
}

/** The error that the error hook gets. crossws does not export its own class. */
class AdapterError extends Error implements WSError {
  override readonly name: string = "WSError";
}

function lengthOf(payload: string | { readonly byteLength: number }): number {
  return typeof payload === "string" ? payload.length : payload.byteLength;
}

/** Casts to Peer. crossws exports it only as a type with private fields; WsframePeer has all public members. */
export function asPeer(peer: WsframePeer): Peer {
  return peer as unknown as Peer;
}
