// The state that the connections of a thread share: their turns of the event loop, and the timers of idle contexts.

import { Protocol } from "../index.ts";
import { IdleRelease } from "../protocol/idle.ts";
import type { Thread } from "../protocol/thread.ts";
import { Turns } from "../protocol/turns.ts";

/** The state that all connections of this thread share, also those of wsframe/streams. @internal */
export function thread(): Thread {
  return (Protocol.thread ??= {
    turns: new Turns({ now: () => performance.now(), soon: (go) => void setImmediate(go) }),
    idle: new IdleRelease((ms, call) => {
      const timer = setInterval(call, ms).unref();
      return () => clearInterval(timer);
    }),
  });
}
