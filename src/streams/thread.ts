// The state that the connections of a thread share, as in src/node/thread.ts, but for all runtimes.

import { Protocol } from "../index.ts";
import { IdleRelease } from "../protocol/idle.ts";
import type { Thread } from "../protocol/thread.ts";
import { Turns } from "../protocol/turns.ts";

/** Globals that only some runtimes have. */
interface Runtime {
  readonly setImmediate?: (go: () => void) => unknown;
  readonly MessageChannel?: typeof MessageChannel;
  readonly Deno?: { unrefTimer?(id: unknown): void };
  readonly navigator?: { readonly userAgent?: string };
}

const runtime: Runtime = globalThis as Runtime;

/** In workerd, each request has its own timers, which end with it. */
const OF_REQUESTS = "Cloudflare-Workers";

/** The thread of a connection. @internal */
export function thread(): Thread {
  if (runtime.navigator?.userAgent === OF_REQUESTS) return newThread(after);
  return (Protocol.thread ??= newThread(laterTurns()));
}

function newThread(soon: (go: () => void) => void): Thread {
  return { turns: new Turns({ now: () => performance.now(), soon }), idle: new IdleRelease(every) };
}

/** Starts the next turn without the delays of timers in browsers. */
function laterTurns(): (go: () => void) => void {
  const { setImmediate, MessageChannel: Channel } = runtime;
  if (setImmediate !== undefined) return (go) => void setImmediate(go);
  if (Channel === undefined) return after;
  const { port1, port2 } = new Channel();
  let next: (() => void) | undefined;
  port1.addEventListener("message", () => next?.());
  port1.start();
  return (go) => {
    next = go;
    port2.postMessage(undefined);
  };
}

function after(go: () => void): void {
  setTimeout(go, 0);
}

/** Calls a function again and again. The timer does not keep a process alive. */
function every(ms: number, call: () => void): () => void {
  const timer: unknown = setInterval(call, ms);
  if (typeof timer === "object" && timer !== null && "unref" in timer && typeof timer.unref === "function") {
    timer.unref();
  } else {
    runtime.Deno?.unrefTimer?.(timer);
  }
  return () => clearInterval(timer as ReturnType<typeof setInterval>);
}
