// A proxy between clients and servers, with one port for each server and fault. The time and position of a fault are
// random.

import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { obey } from "./lines.ts";
import { CUTS, HARMLESS, type ProxyFault } from "./order.ts";
import { Random } from "../support/random.ts";

const random = new Random(Number(process.argv[2]));
/** The target ports, by the names of the servers. */
const targets = JSON.parse(process.argv[3]!) as Record<string, number>;

/** The latest time of a fault in milliseconds, and its latest position in bytes. */
const LATEST = 15_000;
const MOST = 1 << 21;
/** The longest stall, in milliseconds, which is shorter than the timeout of a peer. */
const STALL = 4000;
/** How long the rest of a connection lives after its fault, in milliseconds. */
const HALF = 3000;
const SILENCE = 30_000;

/** A random number up to a maximum, in which small values are as likely as large ones. */
function upTo(most: number): number {
  return Math.floor(Math.exp(random.next() * Math.log(most)));
}

class Pair {
  readonly #sides: readonly [client: Socket, server: Socket];
  readonly #fault: ProxyFault;
  #limit: number = upTo(MOST);
  #stalled: Promise<unknown> = Promise.resolve();
  #isDumb = false;

  constructor(client: Socket, server: Socket, fault: ProxyFault) {
    this.#sides = [client, server];
    this.#fault = fault;
    const timer = setTimeout(() => this.#strike(), upTo(LATEST));
    for (const side of this.#sides) {
      side.setNoDelay(true);
      side.on("error", () => this.#end("resetAndDestroy"));
      side.on("close", () => {
        clearTimeout(timer);
        // The other side may still have data in transit.
        setTimeout(() => this.#end("destroy"), HALF);
      });
    }
    void this.#forward(client, server);
    void this.#forward(server, client);
  }

  #end(how: "destroy" | "resetAndDestroy" | "end"): void {
    for (const side of this.#sides) if (how !== "end" || side.writable) side[how]();
  }

  async #forward(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const chunk of from.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
        await this.#stalled;
        const before = this.#limit;
        this.#limit -= chunk.length;
        if (before >= 0 && this.#limit < 0) {
          // The part before the fault still arrives.
          await this.#write(to, chunk.subarray(0, before));
          this.#strike();
          await this.#stalled;
          await this.#write(to, chunk.subarray(before));
        } else {
          await this.#write(to, chunk);
        }
      }
      if (!this.#isDumb && to.writable) to.end();
    } catch {
      this.#end("resetAndDestroy");
    }
  }

  async #write(to: Socket, chunk: Buffer): Promise<void> {
    let rest = chunk;
    if (this.#fault === "delay") await sleep(random.integer(1, 50));
    if (this.#fault === "split") {
      for (let count = 0; count < 20 && rest.length > 1; count++) {
        const size = Math.min(upTo(5000), rest.length);
        if (!to.writable || this.#isDumb) return;
        to.write(rest.subarray(0, size));
        rest = rest.subarray(size);
        await setImmediate();
      }
    }
    if (rest.length === 0 || this.#isDumb || !to.writable || to.write(rest)) return;
    await Promise.race([once(to, "drain"), once(to, "close")]);
  }

  #strike(): void {
    if (this.#isDumb) return;
    const fault = this.#fault;
    if (fault === "stall") {
      this.#stalled = sleep(random.integer(100, STALL));
      return;
    }
    if (fault === "split" || fault === "delay") return;
    if (fault === "half-close") {
      random.pick(this.#sides).end();
      setTimeout(() => this.#end("destroy"), HALF);
      return;
    }
    this.#isDumb = true;
    if (fault === "reset") this.#end("resetAndDestroy");
    else if (fault === "cut") this.#end("destroy");
    else if (fault === "truncate") this.#end("end");
    if (fault === "truncate" || fault === "silence") {
      setTimeout(() => this.#end("destroy"), fault === "silence" ? SILENCE : HALF);
    }
  }
}

let open = 0;
const ports: Record<string, number> = {};
for (const [name, port] of Object.entries(targets)) {
  for (const fault of [...HARMLESS, ...CUTS]) {
    const proxy = createServer({ allowHalfOpen: true }, (client) => {
      open++;
      client.once("close", () => open--);
      void new Pair(client, connect({ port, host: "127.0.0.1", allowHalfOpen: true }), fault);
    });
    proxy.listen(0, "127.0.0.1");
    await once(proxy, "listening");
    ports[`${name} ${fault}`] = (proxy.address() as AddressInfo).port;
  }
}
obey(ports, { order: () => {}, connections: () => open });
