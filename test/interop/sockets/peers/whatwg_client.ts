// A client: the WebSocket of Bun or Deno. See ../process.ts.

import process from "node:process";
import { createInterface } from "node:readline";
import type { Order } from "../process.ts";
import { converse } from "./whatwg.ts";

function make(url: string, protocols: string[], deflate: boolean): WebSocket {
  // This is how Bun turns compression off.
  const options = { protocols, perMessageDeflate: deflate };
  return new WebSocket(url, "Bun" in globalThis ? (options as unknown as string[]) : protocols);
}

createInterface(process.stdin)
  .on("line", (line) => {
    void converse(JSON.parse(line) as Order, make).then((report) => console.log(JSON.stringify(report)));
  })
  .on("close", () => process.exit());
