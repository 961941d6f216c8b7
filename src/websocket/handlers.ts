// Event handler IDL attributes, such as `onmessage` (HTML, "Event handlers").

import type { WebSocketEventMap, WebSocketHandler } from "./events.ts";

type EventType = keyof WebSocketEventMap;

/** A handler that has been set: its listener keeps its place among the others when the handler is replaced. */
interface Handler {
  value: object;
  readonly listener: (this: unknown, event: Event) => void;
}

/** The on-properties of one target. @internal */
export class Handlers {
  readonly #target: EventTarget;
  readonly #handlers: Map<EventType, Handler> = new Map();

  constructor(target: EventTarget) {
    this.#target = target;
  }

  get<T extends EventType>(type: T): WebSocketHandler<T> {
    return (this.#handlers.get(type)?.value ?? null) as WebSocketHandler<T>;
  }

  /** What is no object is null. An object that is no function is kept, and never called. */
  set(type: EventType, value: unknown): void {
    const handler = this.#handlers.get(type);
    if (!isObject(value)) {
      if (handler === undefined) return;
      this.#target.removeEventListener(type, handler.listener);
      this.#handlers.delete(type);
    } else if (handler === undefined) {
      const added = makeHandler(value);
      this.#handlers.set(type, added);
      this.#target.addEventListener(type, added.listener);
    } else {
      handler.value = value;
    }
  }
}

function makeHandler(value: object): Handler {
  const handler: Handler = {
    value,
    listener(event) {
      if (typeof handler.value === "function") handler.value.call(this, event);
    },
  };
  return handler;
}

function isObject(value: unknown): value is object {
  return (typeof value === "object" && value !== null) || typeof value === "function";
}
