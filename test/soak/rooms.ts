// The part of the server that is the same for every library: orders, sessions and the room.

import { Contents } from "./contents.ts";
import { obey, say } from "./lines.ts";
import { sha256 } from "./node.ts";
import type { Order } from "./order.ts";
import { type Link, type Message, ServerSession } from "./session.ts";
import { Random } from "../support/random.ts";

/** The time between two broadcasts, in milliseconds. */
export const BROADCAST = 500;

export class Rooms {
  readonly #orders: Map<number, Order> = new Map();
  readonly #contents: Contents;
  readonly #room: Set<ServerSession> = new Set();
  #open = 0;

  /** @param prepare makes a function that sends one message to many connections */
  constructor(seed: number, prepare: (data: Message) => (link: Link) => boolean) {
    this.#contents = new Contents(seed);
    const random = new Random(seed);
    setInterval(() => {
      if (this.#room.size === 0) return;
      const size = random.chance(0.02) ? random.integer(0, 262_144) : random.integer(0, 2000);
      const data = this.#contents.make(random.pick(["text", "binary"]), size);
      const send = prepare(data);
      for (const session of this.#room) session.broadcast(data, send);
    }, BROADCAST);
  }

  obey(ports: Readonly<Record<string, number>>): void {
    obey(ports, {
      order: (order) => {
        this.#orders.set(order.id, order);
        say({ type: "accepted", id: order.id });
      },
      forget: (id) => void this.#orders.delete(id),
      connections: () => this.#open,
    });
  }

  /** Returns the order of the connection with this path. */
  take(path: string | undefined): Order {
    const id = Number(path?.slice(1));
    const order = this.#orders.get(id);
    if (order === undefined) throw new Error(`no order for ${path}`);
    this.#orders.delete(id);
    return order;
  }

  open(order: Order, link: Link): ServerSession {
    this.#open++;
    return new ServerSession(order, link, this.#contents, sha256, this.#room);
  }

  /** @param code the code of the received Close, or 1006 for none */
  async close({ id }: Order, session: ServerSession, code: number, error: string | undefined): Promise<void> {
    this.#open--;
    session.leave();
    say({ type: "report", id, report: await session.report(code, error) });
  }
}
