// A registry in a process of its own, so that a test which waits for npm does not stop it: fork it with the folder for what it stores,
// the registry to ask for packages of others and, if that needs one, the file of its certificates. It sends the port that it listens on.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runServer } from "verdaccio";

const [folder, upstream, ca] = process.argv.slice(2);
const server = await runServer({
  storage: join(folder, "storage"),
  self_path: folder,
  auth: { htpasswd: { file: join(folder, "users"), max_users: -1 } },
  // By default two failures make it refuse everything for a while.
  uplinks: {
    upstream: {
      url: upstream,
      cache: false,
      timeout: "60s",
      max_fails: 100,
      ...(ca && { ca: readFileSync(ca, "utf8") }),
    },
  },
  packages: {
    // Ours come from here alone: one that is missing is an error, never somebody else's.
    "wsframe*": { access: "$all", publish: "$all" },
    "@wsframe/*": { access: "$all", publish: "$all" },
    "**": { access: "$all", proxy: "upstream" },
  },
  publish: { check_owners: false },
  max_body_size: "100mb",
  web: { enable: false },
  log: { type: "stdout", level: "error" },
});
server.listen(0, "127.0.0.1", () => process.send(server.address().port));
process.on("disconnect", () => process.exit());
