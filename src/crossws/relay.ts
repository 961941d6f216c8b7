// Messages to and from other instances, over a driver such as those of "crossws/sync".

import type { SyncDriver, SyncErrorContext } from "crossws";
import { asBytes } from "../frame/bytes.ts";
import { Broadcast, type Payload } from "./data.ts";
import type { WsframeAdapterOptions } from "./options.ts";
import type { Rooms } from "./rooms.ts";

/** The backplane of an adapter. What fails there is reported, and stops nothing here. */
export class Relay {
  /** As adapters show it: its failures are reported too. */
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

  /** Tells the other instances of a message; the namespace "" means all. */
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

  /** Returns a promise only where there is something to wait for. It never rejects. */
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
