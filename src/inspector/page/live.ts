// The tab with a connection that is open: what the person does with it, and what goes over it.

import { CloseCode } from "wsframe";
import { parseDigits } from "../../cli/hex.ts";
import { InputError } from "../../cli/input-error.ts";
import { type ActionName, type Command, type Notice, unpackChunk } from "../channel.ts";
import { byId, make } from "./dom.ts";
import type { Feed } from "./feed.ts";
import type { FrameLog } from "./log.ts";
import { LiveStreams } from "./streams.ts";
import { closeOf } from "./words.ts";

/** How much of a burst may wait in the browser, in bytes, and how many messages of it are sent at a time. */
const BURST_BUFFER = 1024 * 1024;
const BURST_STEP = 200;

/** The text of a burst, over and over. */
const FILLING = "the quick brown fox jumps over the lazy dog ";

/** What of it concerns the rest of the page. */
export interface LiveEvents {
  /** Something has been sent, or asked for: the next frame of this sender is what the person wants to see. */
  expect(sender: "client" | "server"): void;
  /** The opening handshake of the latest connection, as far as it has come. */
  heads(texts: readonly string[]): void;
}

/** What a control frame has room for behind the code, in bytes (RFC 6455 §5.5). */
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
      this.#show("off", "The server has ended");
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
          throw new InputError("Browsers close with 1000, or a code from 3000 to 4999");
        }
        const { length } = new TextEncoder().encode(reason);
        if (length > MAX_REASON) throw new InputError(`A reason has at most ${MAX_REASON} bytes, this has ${length}`);
        socket.close(code, reason);
      });
    });
    byId("answer", HTMLSelectElement).addEventListener("change", () => this.#tellMode());
  }

  #tellMode(): void {
    const mode = byId("answer", HTMLSelectElement).value;
    if (mode === "echo" || mode === "fragments" || mode === "nothing") this.#ask({ type: "answer", mode });
  }

  /** Opens a connection in place of the one that there is. */
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
    // In its place among the bytes.
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

  /** Does something with the connection, and says why if it cannot be done. */
  #attempt(call: (socket: WebSocket) => void): boolean {
    this.#problem.textContent = "";
    try {
      if (this.#socket?.readyState !== WebSocket.OPEN) throw new InputError("There is no connection that is open");
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
        throw new InputError("Binary messages are written in hex, as 0a ff");
      this.#expect("client");
      // A copy, for a buffer that is sure to be no shared one.
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
        // A full buffer takes a while.
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
  byId("action", HTMLSelectElement).replaceChildren(groupOf("By the rules", false), groupOf("Against the rules", true));
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
