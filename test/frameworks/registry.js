// A registry that has what the tests publish, and passes on what others have. Reads nothing, and ends when its input does.
//
//   node registry.js <folder for its files> <registry that it asks for all other packages> [<file of its certificates>]
//
// Prints its URL.

import { join } from "node:path";
import { runServer } from "verdaccio";

const [folder, upstream, ca] = process.argv.slice(2);

const all = { access: "$all", publish: "$all" };
const server = await runServer({
  // The folder is where the configuration would be.
  self_path: join(folder, "config.yaml"),
  configPath: join(folder, "config.yaml"),
  storage: join(folder, "storage"),
  // By default two failures make it refuse everything for a while.
  uplinks: { upstream: { url: upstream, timeout: "60s", max_fails: 100, ...(ca && { ca }) } },
  packages: { wsframe: all, "wsframe-ws": all, "**": { access: "$all", proxy: "upstream" } },
  web: { enable: false },
  log: { type: "stdout", level: "fatal" },
});

server.listen(0, "127.0.0.1", () => console.log(`http://127.0.0.1:${server.address().port}/`));
process.stdin.on("end", () => process.exit()).resume();
