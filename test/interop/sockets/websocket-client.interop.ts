// Tests against Python's websocket-client.

import { describe } from "vitest";
import { pythonWith } from "../support.ts";
import { dialWith, withClient } from "./ours.ts";
import { Peer } from "./process.ts";
import { suite } from "./suite.ts";

const python = pythonWith("websocket", "python3-websocket");

describe.skipIf(python === undefined)("websocket-client", () => {
  suite("serve(), and websocket-client", {
    open: withClient(dialWith(new Peer([python!, "websocket_client_peer.py"]))),
    lacks: ["compression"],
    oddities: { answer: 1000, emptyAnswer: 1000 },
  });
});
