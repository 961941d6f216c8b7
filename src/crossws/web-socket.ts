// `peer.websocket`: the connection of a peer with the API of a browser's WebSocket.

import type { Connection } from "../node/index.ts";
import { bufferOf } from "./bytes.ts";
import { sendPayload, toPayload } from "./data.ts";

const BINARY_TYPES = ["nodebuffer", "arraybuffer", "blob", "uint8array", "text"] as const;
type BinaryType = (typeof BINARY_TYPES)[number];

/** The events of a browser's WebSocket. */
interface EventOf {
  close: Event & { readonly code: number; readonly reason: string; readonly wasClean: boolean };
  error: Event & { readonly error: Error; readonly message: string };
  message: MessageEvent;
}
type Handler<Type extends keyof EventOf> = ((event: EventOf[Type]) => unknown) | null;

/** The class of `peer.websocket`. An instance is made when the property is first read. */
export class PeerWebSocket extends EventTarget {
  static readonly CONNECTING = 0;
  static readonly OPEN = 1;
  static readonly CLOSING = 2;
  static readonly CLOSED = 3;
  readonly CONNECTING = 0;
  readonly OPEN = 1;
  readonly CLOSING = 2;
  readonly CLOSED = 3;
  readonly url: string;
  readonly protocol: string;
  readonly extensions: string;
  readonly #connection: Connection;
  #binaryType: BinaryType = "nodebuffer";
  #handlers: { readonly [Type in keyof EventOf]?: Handler<Type> } = {};
  #listening = false;

  constructor(connection: Connection, request: Request) {
    super();
    this.#connection = connection;
    this.url = request.url.replace(/^http/, "ws");
    // As in all adapters: if nothing was negotiated, the client's offer.
    this.protocol = connection.protocol || (request.headers.get("sec-websocket-protocol") ?? "");
    this.extensions = connection.extensions || (request.headers.get("sec-websocket-extensions") ?? "");
  }

  /** As in browsers, it is not 3 before "close" has been emitted. */
  get readyState(): 1 | 2 | 3 {
    const { readyState, ending } = this.#connection;
    return readyState === 3 && ending === undefined ? 2 : readyState;
  }

  get bufferedAmount(): number {
    return this.#connection.bufferedAmount;
  }

  /** The form of `message.data`. As in browsers, other values are ignored. */
  get binaryType(): BinaryType {
    return this.#binaryType;
  }

  set binaryType(type: BinaryType) {
    if (BINARY_TYPES.includes(type)) this.#binaryType = type;
  }

  send(data: unknown): void {
    sendPayload(this.#connection, toPayload(data));
  }

  close(code?: number, reason?: string): void {
    this.#connection.close(code, code === undefined ? undefined : reason);
  }

  terminate(): void {
    this.#connection.terminate();
  }

  ping(data?: string | Uint8Array): void {
    this.#connection.ping(data);
  }

  override addEventListener(...args: Parameters<EventTarget["addEventListener"]>): void {
    this.#listen();
    super.addEventListener(...args);
  }

  get onclose(): Handler<"close"> {
    return this.#handlers.close ?? null;
  }

  set onclose(close: Handler<"close">) {
    this.#listen();
    this.#handlers = { ...this.#handlers, close };
  }

  get onerror(): Handler<"error"> {
    return this.#handlers.error ?? null;
  }

  set onerror(error: Handler<"error">) {
    this.#listen();
    this.#handlers = { ...this.#handlers, error };
  }

  get onmessage(): Handler<"message"> {
    return this.#handlers.message ?? null;
  }

  set onmessage(message: Handler<"message">) {
    this.#listen();
    this.#handlers = { ...this.#handlers, message };
  }

  /** Adds listeners to the connection, when the first handler is set. The hooks have their own listeners. */
  #listen(): void {
    if (this.#listening) return;
    this.#listening = true;
    this.#connection.on("message", (data) => {
      const event = new MessageEvent("message", { data: this.#dataOf(data) });
      this.#dispatch(event, this.#handlers.message);
    });
    this.#connection.on("error", (error) => {
      const event = Object.assign(new Event("error"), { error, message: error.message });
      this.#dispatch(event, this.#handlers.error);
    });
    this.#connection.on("close", (code, reason, wasClean) => {
      const event = Object.assign(new Event("close"), { code, reason, wasClean });
      this.#dispatch(event, this.#handlers.close);
    });
  }

  #dispatch<E extends Event>(event: E, handler: ((event: E) => unknown) | null | undefined): void {
    if (handler) super.addEventListener(event.type, () => handler.call(this, event), { once: true });
    this.dispatchEvent(event);
  }

  #dataOf(data: string | Uint8Array<ArrayBuffer>): unknown {
    if (typeof data === "string") return data;
    switch (this.#binaryType) {
      case "arraybuffer":
        return bufferOf(data);
      case "blob":
        return new Blob([data]);
      case "text":
        return new TextDecoder().decode(data);
      default:
        return data;
    }
  }
}
