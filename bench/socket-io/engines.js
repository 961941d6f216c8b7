// The WebSocket engines for Socket.IO.

import { createRequire, Module } from "node:module";
import { IdleServer } from "./idle-engine.js";

const require = createRequire(import.meta.url);
const WSFRAME = new URL("../../dist/ws.js", import.meta.url);

/** Replaces ws with a module, as `overrides` in a package.json does. */
function override(exports) {
  // Socket.IO's packages share one ws.
  const file = require.resolve("ws", { paths: [require.resolve("engine.io"), require.resolve("socket.io-adapter")] });
  require.cache[file] = Object.assign(new Module(file), { exports, loaded: true });
}

function installed(name) {
  try {
    return Boolean(require.resolve(name));
  } catch {
    return false;
  }
}

/**
 * Options for Socket.IO's Server, by name. Replacing ws must happen before Socket.IO is loaded.
 * @type {Record<string, () => object | Promise<object>>}
 */
export const ENGINES = {
  ws: () => ({}),
  "wsframe/ws": async () => {
    override((await import(WSFRAME.href)).default);
    return {};
  },
  "as wsEngine": async () => ({ wsEngine: (await import(WSFRAME.href)).WebSocketServer }),
  ...(installed("eiows") && { eiows: () => ({ wsEngine: require("eiows").Server }) }),
  none: () => ({ wsEngine: IdleServer }),
};
