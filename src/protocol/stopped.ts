import type { MessageSink } from "./events.ts";

/** What ends a call in which the connection has ended, with bytes left to decode. @internal */
export const STOP: Error = /* @__PURE__ */ new Error("The connection has ended");

function stop(): never {
  throw STOP;
}

/** The sink of a connection that has ended: nothing may come after its close event. @internal */
export const STOPPED: MessageSink = {
  text: stop,
  binary: stop,
  start: stop,
  piece: stop,
  end: stop,
  ping: stop,
  pong: stop,
  error: stop,
  close: stop,
};
