// addEventListener() and the on-properties, implemented with the listeners of an EventEmitter.

import type { WebSocket } from "./web-socket.ts";

/** The events that addEventListener() supports. */
export type EventType = "open" | "message" | "close" | "error";
/** A listener as in browsers: a function, or an object with a method. */
export type Listener = ((this: WebSocket, event: never) => void) | { handleEvent(event: never): void };

/** The event object that listeners get. */
class Event {
  readonly #type: EventType;
  readonly #target: WebSocket;

  constructor(type: EventType, target: WebSocket) {
    this.#type = type;
    this.#target = target;
  }

  get type(): EventType {
    return this.#type;
  }

  get target(): WebSocket {
    return this.#target;
  }
}

class MessageEvent extends Event {
  readonly #data: unknown;

  constructor(target: WebSocket, data: unknown) {
    super("message", target);
    this.#data = data;
  }

  /** A string for text; for binary messages, the form that `binaryType` names. */
  get data(): unknown {
    return this.#data;
  }
}

class CloseEvent extends Event {
  readonly #code: number;
  readonly #reason: string;
  readonly #wasClean: boolean;

  constructor(target: WebSocket, code: number, reason: string, wasClean: boolean) {
    super("close", target);
    this.#code = code;
    this.#reason = reason;
    this.#wasClean = wasClean;
  }

  get code(): number {
    return this.#code;
  }

  get reason(): string {
    return this.#reason;
  }

  get wasClean(): boolean {
    return this.#wasClean;
  }
}

class ErrorEvent extends Event {
  readonly #error: Error;

  constructor(target: WebSocket, error: Error) {
    super("error", target);
    this.#error = error;
  }

  get error(): Error {
    return this.#error;
  }

  get message(): string {
    return this.#error.message;
  }
}

for (const [prototype, names] of [
  [Event.prototype, ["type", "target"]],
  [MessageEvent.prototype, ["data"]],
  [CloseEvent.prototype, ["code", "reason", "wasClean"]],
  [ErrorEvent.prototype, ["error", "message"]],
] as const) {
  for (const name of names) Object.defineProperty(prototype, name, { enumerable: true });
}

const MAKE: { readonly [T in EventType]: (target: WebSocket, ...args: never[]) => Event } = {
  open: (target) => new Event("open", target),
  message: (target, data: { toString(): string }, isBinary: boolean) =>
    new MessageEvent(target, isBinary ? data : data.toString()),
  close: (target, code: number, reason: Buffer) => new CloseEvent(target, code, reason.toString(), target.wasClean),
  error: (target, error: Error) => new ErrorEvent(target, error),
};

/** The function that the emitter calls for a listener. */
type Registered = ((this: WebSocket, ...args: never[]) => void) & { [REGISTRATION]?: Registration };

interface Registration {
  readonly listener: Listener;
  readonly isProperty: boolean;
}

const REGISTRATION: unique symbol = Symbol("registration");

function register(target: WebSocket, type: EventType, listener: Listener, { once = false, isProperty = false }): void {
  const make = MAKE[type];
  const registered: Registered = function dispatch(...args) {
    const event = make(this, ...args);
    if (typeof listener === "function") listener.call(this, event as never);
    else listener.handleEvent(event as never);
  };
  registered[REGISTRATION] = { listener, isProperty };
  if (once) target.once(type, registered as never);
  else target.on(type, registered as never);
}

function find(
  target: WebSocket,
  type: string,
  matches: (registration: Registration) => boolean,
): Registered | undefined {
  return (target.listeners(type) as Registered[]).find((each) => {
    const registration = each[REGISTRATION];
    return registration !== undefined && matches(registration);
  });
}

/** Does nothing for unknown types, or if the listener was added before. @internal */
export function addListener(
  target: WebSocket,
  type: EventType,
  listener: Listener,
  { once = false }: { readonly once?: boolean } = {},
): void {
  if (!Object.hasOwn(MAKE, type)) return;
  if (find(target, type, (each) => !each.isProperty && each.listener === listener)) return;
  register(target, type, listener, { once });
}

/** @internal */
export function removeListener(target: WebSocket, type: EventType, listener: Listener): void {
  const found = find(target, type, (each) => !each.isProperty && each.listener === listener);
  if (found) target.removeListener(type, found as never);
}

/** @internal */
export function getProperty(target: WebSocket, type: EventType): Listener | null {
  return find(target, type, (each) => each.isProperty)?.[REGISTRATION]?.listener ?? null;
}

/** Replaces the property's listener. Any value that is not a function removes it. @internal */
export function setProperty(target: WebSocket, type: EventType, listener: Listener | null): void {
  const found = find(target, type, (each) => each.isProperty);
  if (found) target.removeListener(type, found as never);
  if (typeof listener === "function") register(target, type, listener, { isProperty: true });
}
