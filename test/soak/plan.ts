// Plans a soak: random orders that depend only on the seed.

import { Random } from "../support/random.ts";
import {
  ABORTS,
  type ClientName,
  CUTS,
  HARMLESS,
  isTls,
  type Item,
  type Order,
  type ProxyFault,
  type Way,
} from "./order.ts";

/** The abilities that the API of each client lacks. */
const LACKS: Readonly<Record<ClientName, readonly ("aborts" | "slowness" | "haste" | "fragments" | "leaving")[]>> = {
  ws: [],
  wsframe: [],
  // undici cannot leave messages unanswered: it drops anything that arrives after its Close, as browsers do.
  undici: ["aborts", "slowness", "haste", "fragments"],
  // When the server closes, Chromium loses everything that the page has not read.
  chromium: ["aborts", "haste", "fragments", "leaving"],
  websockets: ["haste"],
};

/** Lengths at which the frame header changes, and other special ones. */
const SPECIAL = [0, 1, 125, 126, 127, 65_535, 65_536];

/**
 * The longest time in milliseconds that a server may need for messages before a Close. The client does not wait
 * forever.
 */
const ANSWERS = 3000;

/** The ports and clients of the run. */
export interface Places {
  /** The ports of the servers, and of the proxy by server port and fault. */
  readonly ports: Readonly<Record<string, number>>;
  readonly proxy: Readonly<Record<string, number>>;
  readonly clients: readonly ClientName[];
  readonly hasHttp2: boolean;
  /** How long a connection is meant to last, in milliseconds. */
  readonly longest: number;
}

export class Plan {
  readonly #random: Random;
  readonly #places: Places;
  #id = 0;

  constructor(seed: number, places: Places) {
    this.#random = new Random(seed);
    this.#places = places;
  }

  next(): Order {
    const random = this.#random;
    const { clients, hasHttp2, longest } = this.#places;
    const client = random.pick(clients);
    const can = (what: (typeof LACKS)[ClientName][number]): boolean => !LACKS[client].includes(what);
    const wanted: Way = random.pick(["deflate", "deflate", "bare", "tls", "http2"]);
    const proxy = random.chance(0.15) ? random.pick(HARMLESS) : random.chance(0.15) ? random.pick(CUTS) : undefined;
    const aborted = random.chance(0.1) && can("aborts");
    const abort = aborted ? { how: random.pick(ABORTS), after: this.#upTo(15_000) } : undefined;
    const way = wanted === "http2" && (!hasHttp2 || client !== "wsframe") ? "tls" : wanted;

    const count = Math.floor(this.#upTo(60)) - 1;
    const isRoom = random.chance(0.15);
    const isDownload = !isRoom && random.chance(0.25);
    const [up, down] = isDownload ? [random.integer(0, 3), count] : [count, random.chance(0.1) ? 3 : 0];
    const lasts = this.#upTo(longest);
    const isSlow = random.chance(0.15);
    const slow = isSlow ? Math.min(random.integer(1, 300), longest / (count + 1)) : 0;
    const slowServer = random.chance(0.5) ? slow : 0;
    const slowClient = can("slowness") && random.chance(0.5) ? slow : 0;
    const closer = random.pick(["client", "client", "server", "eager"] as const);
    const isLost = closer === "server" && slowClient > 0 && !can("leaving");
    const mayHurry = can("haste") && !isRoom && down === 0 && slowServer * up < ANSWERS;
    return {
      id: ++this.#id,
      client,
      way,
      url: `${this.#address(way, proxy)}/${this.#id}`,
      up: this.#items(up, can("fragments")),
      down: this.#items(down, true),
      pace: random.chance(0.3) ? 0 : Math.floor(lasts / (count + 1)),
      echo: !isDownload && random.chance(0.8),
      room: isRoom ? Math.floor(random.integer(longest / 10, longest)) : 0,
      slowServer,
      slowClient,
      pings: random.chance(0.3),
      closer: (closer === "eager" && !mayHurry) || isLost ? "client" : closer,
      proxy,
      abort,
    };
  }

  /** A random number up to a maximum, in which small numbers are as likely as large ones. */
  #upTo(most: number): number {
    return Math.exp(this.#random.next() * Math.log(most));
  }

  #items(count: number, mayFragment: boolean): Item[] {
    const random = this.#random;
    return Array.from({ length: count }, () => {
      const size = this.#size();
      const fragments = mayFragment && size > 0 && random.chance(0.2) ? random.integer(2, 9) : 1;
      return [random.chance(0.5) ? "text" : "binary", size, Math.min(fragments, size || 1)];
    });
  }

  #size(): number {
    const random = this.#random;
    const kind = random.next();
    if (kind < 0.1) return random.pick(SPECIAL);
    if (kind < 0.45) return random.integer(0, 300);
    if (kind < 0.75) return random.integer(0, 5000);
    if (kind < 0.97) return random.integer(0, 70_000);
    if (kind < 0.994) return random.integer(0, 1 << 19);
    return random.integer(1 << 20, 1 << 22);
  }

  #address(way: Way, proxy: ProxyFault | undefined): string {
    const { ports, proxy: proxies } = this.#places;
    const isSecure = isTls(way);
    const server = isSecure ? "tls" : way;
    const port = proxy === undefined ? ports[server] : proxies[`${server} ${proxy}`];
    return isSecure ? `wss://localhost:${port}` : `ws://127.0.0.1:${port}`;
  }
}

/** The number of payload bytes in an order, in both directions and without broadcasts. */
export function sizeOf({ up, down, echo }: Order): number {
  const sum = (items: readonly Item[]): number => items.reduce((total, [, size]) => total + size, 0);
  return sum(up) * (echo ? 2 : 1) + sum(down);
}
