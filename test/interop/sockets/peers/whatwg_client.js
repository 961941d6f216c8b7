// A client: the WebSocket of Bun or Deno. See ../process.ts.

import process from "node:process";
import { createInterface } from "node:readline";
import { converse } from "./whatwg.js";

createInterface(process.stdin)
  .on("line", async (line) => console.log(JSON.stringify(await converse(JSON.parse(line)))))
  .on("close", () => process.exit());
