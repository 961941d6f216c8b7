// Passes messages to and from other instances, over a driver such as those of "crossws/sync".

import type { SyncDriver, SyncErrorContext } from "crossws";
import { asBytes } from "../frame/bytes.ts";
import { Broadcast, type Payload } from "./data.ts";
import type { WsframeAdapterOptions } from "./options.ts";
import type { Rooms } from "./rooms.ts";

/** Connects an adapter to other instances. Failures of the driver are reported, and do not stop the adapter. */
export class Relay {
  /** The driver as the adapter exposes it. Its failures are reported, too. */
  readonly driver: SyncDriver;
  readonly #onError: WsframeAdapterOptions["onError"];

  constructor(driver: SyncDriver, rooms: Rooms, onError: WsframeAdapterOptions["onError"]) {
    this.#onError = onError;
    this.driver = {
      subscribe: (deliver) => driver.subscribe(deliver),
      publish: (message) => this.#attempt("publish", () => driver.publish(message)),
      ...(driver.close && { close: () => driver.close?.() }),
    };
    void this.#attempt("subscribe", () =>
      driver.subscribe(({ namespace, topic, data }) => {
        void this.#attempt("delivery", () => rooms.publish(topic, new Broadcast(data, undefined), namespace));
      }),
    );
  }

  /** Publishes a message to other instances. The namespace "" means all namespaces. */
  publish(namespace: string, topic: string, payload: Payload): void {
    if (payload instanceof Blob) {
      void this.#attempt("publish", async () => {
        await this.driver.publish({ namespace, topic, data: new Uint8Array(await payload.arrayBuffer()) });
      });
    } else {
      const data = typeof payload === "string" ? payload : asBytes(payload);
      void this.driver.publish({ namespace, topic, data });
    }
  }

  /** Calls `run` and reports its error. Returns a promise only if `run` does; it never rejects. */
  #attempt(stage: SyncErrorContext["stage"], run: () => void | Promise<void>): void | Promise<void> {
    const report = (error: unknown): void => {
      if (this.#onError) this.#onError(error, { stage });
      else console.error(`wsframe/crossws: sync ${stage} failed:`, error);
    };
    try {
      const result = run();
      if (result instanceof Promise) return result.catch(report);
    } catch (error) {
      report(error);
    }
  }
}
