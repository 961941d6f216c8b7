// Tests against the client of Python's aiohttp.

import { describe } from "vitest";
import { pythonWith } from "../support.ts";
import { dialWith, withClient } from "./ours.ts";
import { Peer } from "./process.ts";
import { suite } from "./suite.ts";

const python = pythonWith("aiohttp", "python3-aiohttp");

describe.skipIf(python === undefined)("aiohttp", () => {
  suite("serve(), and aiohttp", {
    open: withClient(dialWith(new Peer([python!, "aiohttp_peer.py"]))),
    lacks: ["fragments", "closing without a code"],
    oddities: { answer: 1000, emptyAnswer: 1000, pingsBreakInflating: true },
  });
});
