// The tab "Live": controls an open connection, and decodes its traffic.

import { CloseCode } from "wsframe";
import { parseDigits } from "../../cli/hex.ts";
import { InputError } from "../../cli/input-error.ts";
import { type ActionName, type Command, type Notice, unpackChunk } from "../channel.ts";
import { byId, make } from "./dom.ts";
import type { Feed } from "./feed.ts";
import type { FrameLog } from "./log.ts";
import { LiveStreams } from "./streams.ts";
import { closeOf } from "./words.ts";

/** The most bytes of a burst that may wait in the browser, and the number of messages sent at a time. */
const BURST_BUFFER = 1024 * 1024;
const BURST_STEP = 200;

/** The text of burst messages, repeated as needed. */
const FILLING = "the quick brown fox jumps over the lazy dog ";

/** Events for the rest of the page. */
export interface LiveEvents {
  /** The user has sent or requested something, so the next frame of this sender is the one to show. */
  expect(sender: "client" | "server"): void;
  /** The opening handshake of the latest connection, as far as it has arrived. */
  heads(texts: readonly string[]): void;
}

/** The most bytes after the code of a Close (RFC 6455 §5.5). */
const MAX_REASON = 123;

export class Live {
  readonly #log: FrameLog;
  readonly #feed: Feed;
  readonly #events: LiveEvents;
  readonly #watch: WebSocket;
  #id = "";
  #socket: WebSocket | undefined = undefined;
  readonly #streams = new Map<number, LiveStreams>();
  readonly #state = byId("connection-state", HTMLElement);
  readonly #problem = byId("live-problem", HTMLElement);
  readonly #message = byId("message", HTMLTextAreaElement);
  readonly #deflate = byId("deflate", HTMLInputElement);
  readonly #connect = byId("connect", HTMLButtonElement);

  constructor(log: FrameLog, feed: Feed, events: LiveEvents) {
    this.#log = log;
    this.#feed = feed;
    this.#events = events;
    this.#watch = new WebSocket(`ws://${location.host}/watch`);
    this.#watch.binaryType = "arraybuffer";
    this.#watch.addEventListener("message", ({ data }) => this.#told(data as string | ArrayBuffer));
    this.#watch.addEventListener("close", () => {
      this.#show("off", "The server has stopped");
      this.#connect.disabled = true;
    });
    this.#connect.addEventListener("click", () => {
      if (this.#isOpen()) this.#socket!.close(CloseCode.NormalClosure);
      else this.#open();
    });
    this.#deflate.addEventListener("change", () => this.#open());
    this.#listen();
  }

  #isOpen(): boolean {
    return this.#socket !== undefined && this.#socket.readyState <= WebSocket.OPEN;
  }

  #listen(): void {
    this.#message.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      byId("send", HTMLFormElement).requestSubmit();
    });
    onSubmit("send", () => this.#send());
    onSubmit("burst", () => this.#burst(numberIn("burst-count"), numberIn("burst-size")));
    onSubmit("act", () => {
      this.#expect("server");
      this.#ask({ type: "act", action: byId("action", HTMLSelectElement).value });
    });
    onSubmit("close", () => {
      this.#expect("client");
      this.#attempt((socket) => {
        const code = numberIn("close-code");
        const reason = byId("close-reason", HTMLInputElement).value;
        if (code !== 1000 && !(code >= 3000 && code <= 4999)) {
          throw new InputError("A browser can only close with 1000 or a code from 3000 to 4999");
        }
        const { length } = new TextEncoder().encode(reason);
        if (length > MAX_REASON)
          throw new InputError(`A close reason can have up to ${MAX_REASON} bytes, and this one has ${length}`);
        socket.close(code, reason);
      });
    });
    byId("answer", HTMLSelectElement).addEventListener("change", () => this.#tellMode());
  }

  #tellMode(): void {
    const mode = byId("answer", HTMLSelectElement).value;
    if (mode === "echo" || mode === "fragments" || mode === "nothing") this.#ask({ type: "answer", mode });
  }

  /** Opens a connection, and closes the previous one. */
  #open(): void {
    this.#socket?.close(CloseCode.NormalClosure);
    this.#problem.textContent = "";
    const url = `ws://${location.host}/echo?watcher=${this.#id}${this.#deflate.checked ? "&deflate" : ""}`;
    const socket = new WebSocket(url);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    this.#show("wait", "Connecting");
    socket.addEventListener("open", () => {
      if (socket !== this.#socket) return;
      this.#show("on", socket.extensions === "" ? "Connected" : "Connected, compressed");
    });
    socket.addEventListener("close", ({ code, reason }) => {
      if (socket !== this.#socket) return;
      this.#show("off", `Closed: ${closeOf(code)}${reason === "" ? "" : `, “${reason}”`}`);
    });
  }

  #show(state: "on" | "off" | "wait", text: string): void {
    this.#state.dataset["state"] = state;
    this.#state.lastElementChild!.textContent = text;
    this.#connect.textContent = state === "off" ? "Connect" : "Disconnect";
  }

  #told(data: string | ArrayBuffer): void {
    if (typeof data !== "string") {
      const chunk = unpackChunk(data);
      this.#feed.push(chunk.bytes, (bytes) => this.#streams.get(chunk.connection)?.push({ ...chunk, bytes }));
      return;
    }
    const notice = JSON.parse(data) as Notice;
    if (notice.type === "watching") {
      this.#id = notice.id;
      offer(notice.actions);
      this.#tellMode();
      this.#open();
      return;
    }
    // Queued, to keep the order with the bytes.
    this.#feed.whenDone(() => this.#note(notice));
  }

  #note(notice: Exclude<Notice, { type: "watching" }>): void {
    if (notice.type === "closed") {
      this.#streams.get(notice.connection)?.end();
      this.#streams.delete(notice.connection);
      return;
    }
    const { connection, request } = notice;
    this.#events.heads([request]);
    const showResponse = (response: string): void => this.#events.heads([request, response]);
    this.#streams.set(connection, new LiveStreams(this.#log, connection, showResponse));
  }

  #ask(command: Command): void {
    if (this.#watch.readyState === WebSocket.OPEN) this.#watch.send(JSON.stringify(command));
  }

  #expect(sender: "client" | "server"): void {
    this.#events.expect(sender);
  }

  /** Does something with the connection, and shows an error if it fails. */
  #attempt(call: (socket: WebSocket) => void): boolean {
    this.#problem.textContent = "";
    try {
      if (this.#socket?.readyState !== WebSocket.OPEN) throw new InputError("Not connected");
      call(this.#socket);
      return true;
    } catch (error) {
      if (!(error instanceof InputError || error instanceof DOMException)) throw error;
      this.#problem.textContent = error.message;
      return false;
    }
  }

  #send(): void {
    const { value } = this.#message;
    const binary = byId("kind", HTMLSelectElement).value === "binary";
    const sent = this.#attempt((socket) => {
      const data = binary ? parseDigits(new TextEncoder().encode(value)) : value;
      if (data === undefined && value.trim() !== "")
        throw new InputError("Write binary messages in hex, such as 0a ff");
      this.#expect("client");
      // A copy, because the type allows a SharedArrayBuffer, which send() does not accept.
      socket.send(typeof data === "string" ? data : new Uint8Array(data ?? []));
    });
    if (sent) this.#message.select();
  }

  #burst(count: number, size: number): void {
    this.#attempt((socket) => {
      this.#expect("client");
      const filling = FILLING.repeat(Math.ceil(size / FILLING.length));
      let sent = 0;
      const turns = new MessageChannel();
      const step = (): void => {
        if (socket.readyState !== WebSocket.OPEN) return;
        for (let i = 0; i < BURST_STEP && sent < count && socket.bufferedAmount < BURST_BUFFER; i++) {
          sent++;
          socket.send(`${sent} ${filling}`.slice(0, size));
        }
        if (sent === count) return turns.port1.close();
        // A full buffer takes a while to drain.
        if (socket.bufferedAmount < BURST_BUFFER) turns.port2.postMessage(null);
        else setTimeout(step, 5);
      };
      turns.port1.addEventListener("message", step);
      turns.port1.start();
      step();
    });
  }
}

function offer(actions: readonly ActionName[]): void {
  const groupOf = (label: string, broken: boolean): HTMLElement => {
    const group = make("optgroup", { label });
    for (const action of actions) {
      if (action.broken === broken) group.append(make("option", { value: action.id }, action.label));
    }
    return group;
  };
  byId("action", HTMLSelectElement).replaceChildren(groupOf("Valid", false), groupOf("Breaks a rule", true));
}

function numberIn(id: string): number {
  return byId(id, HTMLInputElement).valueAsNumber;
}

function onSubmit(id: string, call: () => void): void {
  byId(id, HTMLFormElement).addEventListener("submit", (event) => {
    event.preventDefault();
    call();
  });
}
