// The events of a Connection in the form that browsers have.

import type { EventEmitter } from "node:events";

/** What the listeners of addEventListener() and the on-properties get. */
export interface EventOf {
  /** A message: a string for text. */
  message: { readonly type: "message"; readonly target: unknown; readonly data: string | Uint8Array };
  /** The connection has ended: as the "close" event. */
  close: {
    readonly type: "close";
    readonly target: unknown;
    readonly code: number;
    readonly reason: string;
    readonly wasClean: boolean;
  };
  /** The connection failed: as the "error" event. */
  error: { readonly type: "error"; readonly target: unknown; readonly error: Error; readonly message: string };
}
/** The events that addEventListener() knows. */
export type EventType = keyof EventOf;
/** A listener of addEventListener(), or of an on-property. `this` is the connection. */
export type EventHandler<T extends EventType> = (event: EventOf[T]) => void;
export type Listeners = { [T in EventType]?: EventHandler<T> | undefined };

/** The listeners of the emitter, by those that they were made of. */
const wrappers: WeakMap<EventEmitter, Map<unknown, (...args: unknown[]) => void>> = new WeakMap();

const MAKE = {
  message: (target: unknown, data: string | Uint8Array) => ({ type: "message", target, data }),
  close: (target: unknown, code: number, reason: string, wasClean: boolean) => ({
    type: "close",
    target,
    code,
    reason,
    wasClean,
  }),
  error: (target: unknown, error: Error) => ({ type: "error", target, error, message: error.message }),
} as const;

/** @internal */
export function addListener<T extends EventType>(
  emitter: EventEmitter,
  type: T,
  listener: EventHandler<T>,
  once: boolean,
): void {
  let known = wrappers.get(emitter);
  if (known === undefined) wrappers.set(emitter, (known = new Map()));
  if (known.has(listener)) return;
  const make = MAKE[type] as (...args: unknown[]) => EventOf[T];
  const wrapper = (...args: unknown[]) => {
    if (once) removeListener(emitter, type, listener);
    listener.call(emitter, make(emitter, ...args));
  };
  known.set(listener, wrapper);
  emitter.on(type, wrapper);
}

/** @internal */
export function removeListener<T extends EventType>(emitter: EventEmitter, type: T, listener: EventHandler<T>): void {
  const wrapper = wrappers.get(emitter)?.get(listener);
  if (wrapper === undefined) return;
  wrappers.get(emitter)!.delete(listener);
  emitter.off(type, wrapper);
}
