// The events of a Connection in the form of browsers (HTML, "WebSocket" and "event handler IDL attributes").

import type { WebSocketError } from "../index.ts";
import type { Connection } from "./connection.ts";
import type { ConnectionEvents } from "./events.ts";

/**
 * Why a connection failed: a WebSocketError if the peer broke a rule, or an Error of the socket, whose `code` is that
 * of the system: "ECONNRESET", for example.
 */
export type ConnectionError = WebSocketError | NodeJS.ErrnoException;

/** The objects that listeners of addEventListener() and on-properties get. */
export interface EventOf {
  /** A message: `data` is a string for text, or bytes that are yours for binary. */
  message: { readonly type: "message"; readonly target: Connection; readonly data: string | Uint8Array<ArrayBuffer> };
  /** The connection has ended: see "close" in ConnectionEvents. */
  close: {
    readonly type: "close";
    readonly target: Connection;
    readonly code: number;
    readonly reason: string;
    readonly wasClean: boolean;
  };
  /** The connection failed: see "error" in ConnectionEvents. */
  error: {
    readonly type: "error";
    readonly target: Connection;
    readonly error: ConnectionError;
    readonly message: string;
  };
}
/** The events that addEventListener() knows. */
export type EventType = keyof EventOf;
/** A listener of addEventListener(), or the value of an on-property. `this` is the connection. */
export type EventHandler<T extends EventType> = (this: Connection, event: EventOf[T]) => void;
/** A listener of addEventListener() that is an object. Its method is looked up for each event. */
export interface EventHandlerObject<T extends EventType> {
  /** Called for each event. `this` is the object. */
  handleEvent(event: EventOf[T]): void;
}
/** A listener that addEventListener() accepts. null is ignored, as in browsers. */
export type EventListenerOf<T extends EventType> = EventHandler<T> | EventHandlerObject<T> | null;

/** Options of addEventListener(). */
export interface AddListenerOptions {
  /** Remove the listener before it gets its first event. Default false. */
  readonly once?: boolean | undefined;
  /** Removes the listener when it aborts. If it has already aborted, no listener is added. Default none. */
  readonly signal?: AbortSignal | undefined;
}

type Makers = { readonly [T in EventType]: (target: Connection, ...args: ConnectionEvents[T]) => EventOf[T] };

const MAKE: Makers = {
  message: (target, data) => ({ type: "message", target, data }),
  close: (target, code, reason, wasClean) => ({ type: "close", target, code, reason, wasClean }),
  error: (target, error) => ({ type: "error", target, error, message: error.message }),
};

/** A listener of addEventListener() or of a property. The emitter calls its `dispatch`. */
class Registration<T extends EventType> {
  readonly isProperty: boolean;
  /** Setting a property again replaces this, and keeps the position among the listeners. */
  listener: NonNullable<EventListenerOf<T>>;
  /** Removes the registration from its signal. */
  #leaveSignal: (() => void) | undefined = undefined;
  readonly #connection: Connection;
  readonly #type: T;
  readonly #once: boolean;
  #removed = false;

  constructor(
    connection: Connection,
    type: T,
    listener: NonNullable<EventListenerOf<T>>,
    { once = false, isProperty = false }: { readonly once?: boolean | undefined; readonly isProperty?: boolean } = {},
  ) {
    this.isProperty = isProperty;
    this.listener = listener;
    this.#connection = connection;
    this.#type = type;
    this.#once = once;
  }

  readonly dispatch = (...args: ConnectionEvents[T]): void => {
    // The emitter still has the list of listeners from when the event began.
    if (this.#removed) return;
    if (this.#once) this.remove();
    const { listener } = this;
    const event = MAKE[this.#type](this.#connection, ...args);
    if (typeof listener === "function") listener.call(this.#connection, event);
    else listener.handleEvent(event);
  };

  add(): void {
    registrations.set(this.dispatch, this);
    this.#connection.on(this.#type, this.dispatch);
  }

  remove(): void {
    this.#removed = true;
    this.#connection.off(this.#type, this.dispatch);
    this.#leaveSignal?.();
  }

  /**
   * Removes the listener when the signal aborts. A signal may outlive many connections and must not keep them alive.
   */
  follow(signal: AbortSignal): void {
    const ref = new WeakRef(this);
    const abort = (): void => ref.deref()?.remove();
    signal.addEventListener("abort", abort, { once: true });
    this.#leaveSignal = () => signal.removeEventListener("abort", abort);
  }
}

/** The registrations by the function that the emitter has. If the emitter does not have it, it is not registered. */
const registrations: WeakMap<object, object> = new WeakMap();

function* registrationsOf<T extends EventType>(connection: Connection, type: T): Generator<Registration<T>> {
  for (const listener of connection.listeners(type)) {
    const registration = registrations.get(listener);
    if (registration instanceof Registration) yield registration;
  }
}

function find<T extends EventType>(
  connection: Connection,
  type: T,
  listener: EventListenerOf<T>,
): Registration<T> | undefined {
  for (const registration of registrationsOf(connection, type)) {
    if (!registration.isProperty && registration.listener === listener) return registration;
  }
  return undefined;
}

function findProperty<T extends EventType>(connection: Connection, type: T): Registration<T> | undefined {
  for (const registration of registrationsOf(connection, type)) if (registration.isProperty) return registration;
  return undefined;
}

/** See Connection.addEventListener(). @throws TypeError @internal */
export function addListener<T extends EventType>(
  connection: Connection,
  type: T,
  listener: EventListenerOf<T>,
  { once, signal }: AddListenerOptions = {},
): void {
  if (listener !== null && typeof listener !== "function" && typeof listener !== "object") {
    throw new TypeError("A listener must be a function or an object with handleEvent()");
  }
  // Listeners for unknown events are ignored, because they would never be called.
  if (listener === null || !Object.hasOwn(MAKE, type) || signal?.aborted || find(connection, type, listener)) return;
  const registration = new Registration(connection, type, listener, { once });
  registration.add();
  if (signal) registration.follow(signal);
}

/** See Connection.removeEventListener(). @internal */
export function removeListener<T extends EventType>(
  connection: Connection,
  type: T,
  listener: EventListenerOf<T>,
): void {
  find(connection, type, listener)?.remove();
}

/** The value of an on-property. @internal */
export function getProperty<T extends EventType>(connection: Connection, type: T): EventHandler<T> | null {
  const listener = findProperty(connection, type)?.listener;
  return typeof listener === "function" ? listener : null;
}

/** Sets an on-property. undefined counts as null. @throws TypeError @internal */
export function setProperty<T extends EventType>(
  connection: Connection,
  type: T,
  handler: EventHandler<T> | null | undefined,
): void {
  if (handler !== null && handler !== undefined && typeof handler !== "function") {
    throw new TypeError(`on${type} must be a function or null`);
  }
  const registration = findProperty(connection, type);
  if (!handler) registration?.remove();
  else if (registration) registration.listener = handler;
  else new Registration(connection, type, handler, { isProperty: true }).add();
}
