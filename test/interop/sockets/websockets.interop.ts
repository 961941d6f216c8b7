// Tests against the client and the server of Python's websockets.

import { describe } from "vitest";
import { pythonWith } from "../support.ts";
import { dialWith, withClient, withServer } from "./ours.ts";
import { Peer } from "./process.ts";
import { suite } from "./suite.ts";

const python = pythonWith("websockets.legacy.server", "python3-websockets");

const common = { lacks: ["telling pings"], oddities: { losesLast: true } } as const;

describe.skipIf(python === undefined)("websockets", () => {
  const peer = (role: string) => new Peer([python!, "websockets_peer.py", role]);
  suite("serve(), and its client", { ...common, open: withClient(dialWith(peer("client"))) });
  suite("connect(), and its server", { ...common, open: withServer(peer("server")) });
});
