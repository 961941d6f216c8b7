// What Debian has for Python: websockets, websocket-client, aiohttp, gevent-websocket under Flask.

import { describe } from "vitest";
import { pythonWith } from "../support.ts";
import { dialWith, withClient, withServer } from "./ours.ts";
import { Peer } from "./process.ts";
import { type Subject, suite } from "./suite.ts";

/** The suite, if there is a Python that has this module. */
function suiteWith(name: string, module: string, debianPackage: string, makeSubject: (python: string) => Subject) {
  const python = pythonWith(module, debianPackage);
  if (python === undefined) describe.skip(name);
  else describe("", () => suite(name, makeSubject(python)));
}

suiteWith("serve(), and websockets", "websockets.legacy.server", "python3-websockets", (python) => ({
  open: withClient(dialWith(new Peer([python, "websockets_peer.py", "client"]))),
  lacks: ["telling pings"],
}));

suiteWith("connect(), and websockets", "websockets.legacy.server", "python3-websockets", (python) => ({
  open: withServer(new Peer([python, "websockets_peer.py", "server"])),
  lacks: ["telling pings"],
}));

suiteWith("serve(), and websocket-client", "websocket", "python3-websocket", (python) => ({
  open: withClient(dialWith(new Peer([python, "websocket_client_peer.py"]))),
  lacks: ["compression"],
}));

suiteWith("serve(), and aiohttp", "aiohttp", "python3-aiohttp", (python) => ({
  open: withClient(dialWith(new Peer([python, "aiohttp_peer.py"]))),
  lacks: ["fragments", "closing without a code"],
  oddities: { pingsBreakInflating: true },
}));

suiteWith("connect(), and gevent-websocket", "geventwebsocket", "python3-gevent-websocket", (python) => ({
  open: withServer(new Peer([python, "gevent_websocket_peer.py"])),
  lacks: ["fragments", "telling pings", "telling pongs", "telling closes", "compression"],
}));
