// Event handler IDL attributes, such as `onmessage` (HTML, "Event handlers").

import type { WebSocketEventMap, WebSocketHandler } from "./events.ts";

type EventType = keyof WebSocketEventMap;

/** A handler that was set. Its listener stays when the handler is replaced, so the order of listeners does not change. */
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

  /** A value that is not an object counts as null. An object that is not a function is kept but never called. */
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
