// The server of loop.js: node loop-server.js wsframe|ws, with a channel to its parent. It echoes, with compression if
// negotiated, and reports how long its event loop was blocked.

import { createHistogram } from "node:perf_hooks";

/**
 * The delay of timers that are due every millisecond, in nanoseconds. While the loop is blocked, many timers become
 * due, and each counts, because other events would wait in the same way. `monitorEventLoopDelay()` counts one for all
 * of them, so a loop that is blocked for a second and then idle for a second would be on time at its 99th percentile.
 */
const histogram = createHistogram();
let timer;

function watch() {
  let due = performance.now() + 1;
  const tick = () => {
    const now = performance.now();
    for (; due <= now; due++) histogram.record(Math.max(1, Math.round((now - due) * 1e6)));
    timer = setTimeout(tick, 1);
  };
  timer = setTimeout(tick, 1);
}

const START = {
  wsframe: async () => {
    const { serve } = await import("wsframe/node");
    const { perMessageDeflate } = await import("wsframe");
    const options = { host: "127.0.0.1", extensions: [perMessageDeflate()] };
    const server = await serve(options, (connection) => {
      connection.on("message", (data) => connection.send(data));
    });
    return server.port;
  },
  ws: async () => {
    const { WebSocketServer } = await import("ws");
    const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: true });
    server.on("connection", (connection) => {
      connection.on("message", (data, isBinary) => connection.send(isBinary ? data : data.toString()));
    });
    await new Promise((resolve) => server.once("listening", resolve));
    return /** @type {import("node:net").AddressInfo} */ (server.address()).port;
  },
};

const milliseconds = (time) => time / 1e6;

process.on("message", (what) => {
  if (what === "begin") {
    watch();
    return;
  }
  clearTimeout(timer);
  const [p50, p90, p99] = [50, 90, 99].map((each) => milliseconds(histogram.percentile(each)));
  process.send?.({ p50, p90, p99, max: milliseconds(histogram.max) });
});
process.send?.(await START[process.argv[2]]());
