// One end of a connection: follows its order and counts. It does not depend on the library.

import { Chain, type Sha256 } from "./chain.ts";
import type { Contents } from "./contents.ts";
import { END, type Item, type Order } from "./order.ts";
import type { Report } from "./report.ts";

export type Message = string | Uint8Array<ArrayBuffer>;

/** The operations that a session needs from a library. */
export interface Link {
  readonly isOpen: boolean;
  /** The number of unsent bytes. */
  readonly waiting: number;
  /** Sends a message. Called only while the connection is open. @returns whether the message will be sent */
  send(data: Message, fragments: number): boolean;
  /** Resolves when more can be sent or the connection has ended. */
  drained(): Promise<void>;
  ping?(payload: string): void;
  close(code: number): void;
}

/** The polling interval for a library without a drain event, in milliseconds. */
const LOOK = 10;
/** A member of a room misses a broadcast if it has more unsent data than this, in bytes. */
const PATIENCE = 262_144;

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Polls a library that only reports the amount of unsent data. */
export async function drainedBelow(link: Pick<Link, "isOpen" | "waiting">, mark: number): Promise<void> {
  while (link.isOpen && link.waiting > mark) await sleep(LOOK);
}

abstract class Session {
  protected readonly order: Order;
  protected readonly link: Link;
  readonly #contents: Contents;
  readonly #sent: Chain;
  readonly #received: Chain;
  #pings = 0;
  #answered = 0;
  #closed: number | undefined = undefined;
  #pongs: "right" | "wrong" = "right";

  constructor(order: Order, link: Link, contents: Contents, sha256: Sha256) {
    this.order = order;
    this.link = link;
    this.#contents = contents;
    this.#sent = new Chain(sha256);
    this.#received = new Chain(sha256);
  }

  /** Handles a message. */
  message(data: Message): void {
    this.#received.add(data);
    if (data === END) this.ended();
    else this.answer(data);
  }

  pong(payload: string): void {
    // A Pong for the library's own keepalive.
    if (payload === "") return;
    const number = Number(payload);
    if (!(number > this.#answered && number <= this.#pings)) this.#pongs = "wrong";
    this.#answered = number;
  }

  /** @param code the code of the received Close, or 1006 for none */
  async report(code: number, error?: string): Promise<Report> {
    const closing = this.#closed === undefined ? undefined : Date.now() - this.#closed;
    const [sent, received] = [await this.#sent.direction(), await this.#received.direction()];
    const pongs = code !== 1006 && this.#answered !== this.#pings ? "wrong" : this.#pongs;
    return { opened: true, code, error, closing, sent, received, pings: this.#pings, pongs };
  }

  /** Called when the peer has sent everything. */
  protected abstract ended(): void;
  protected abstract answer(data: Message): void;

  protected send(data: Message, fragments = 1): boolean {
    if (!this.link.isOpen || !this.link.send(data, fragments)) return false;
    this.#sent.add(data);
    return true;
  }

  protected close(): void {
    this.#closed = Date.now();
    this.link.close(1000);
  }

  /** Counts a message that was not sent through the link. */
  protected record(data: Message): void {
    this.#sent.add(data);
  }

  /** Sends messages of these kinds and sizes. @returns whether all were sent */
  protected async sendAll(items: readonly Item[]): Promise<boolean> {
    const { pings, pace } = this.order;
    for (const [kind, size, fragments] of items) {
      if (!this.send(this.#contents.make(kind, size), fragments)) return false;
      if (pings && this.link.isOpen && this.link.ping && this.#pings < 20) this.link.ping(String(++this.#pings));
      if (pace > 0) await sleep(pace);
      await this.link.drained();
    }
    return this.link.isOpen;
  }
}

/** The server's end of a connection. */
export class ServerSession extends Session {
  #isDone = false;
  #peerIsDone = false;
  readonly #rooms: Set<ServerSession>;

  constructor(order: Order, link: Link, contents: Contents, sha256: Sha256, room: Set<ServerSession>) {
    super(order, link, contents, sha256);
    this.#rooms = room;
    if (order.room > 0) room.add(this);
  }

  async start(): Promise<void> {
    this.#isDone = await this.sendAll(this.order.down);
    this.#finish();
  }

  /** Sends a broadcast, unless too much data is unsent. */
  broadcast(data: Message, send: (link: Link) => boolean): void {
    if (this.link.isOpen && this.link.waiting <= PATIENCE && send(this.link)) this.record(data);
  }

  leave(): void {
    this.#rooms.delete(this);
  }

  protected override ended(): void {
    this.#peerIsDone = true;
    this.#finish();
  }

  protected override answer(data: Message): void {
    if (this.order.echo) this.send(data);
  }

  #finish(): void {
    if (!this.#isDone || !this.#peerIsDone) return;
    this.leave();
    this.send(END);
    if (this.order.closer === "server") this.close();
  }
}

/** The client's end of a connection. */
export class ClientSession extends Session {
  async start(): Promise<void> {
    const { up, room, closer } = this.order;
    const began = Date.now();
    if (!(await this.sendAll(up))) return;
    await sleep(Math.max(room - (Date.now() - began), 0));
    this.send(END);
    if (closer === "eager") this.close();
  }

  protected override ended(): void {
    if (this.order.closer === "client") this.close();
  }

  protected override answer(): void {}
}
