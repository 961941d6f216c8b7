// A registry in a process of its own, so that whoever waits for npm does not stop it: fork it with the folder for what it stores and
// the registry to ask for packages of others. It sends the port that it listens on.

import { join } from "node:path";
import { runServer } from "verdaccio";

const [folder, upstream] = process.argv.slice(2);
const server = await runServer({
  storage: join(folder, "storage"),
  self_path: folder,
  auth: { htpasswd: { file: join(folder, "users"), max_users: -1 } },
  uplinks: { upstream: { url: upstream, cache: false } },
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
