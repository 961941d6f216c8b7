// A registry in its own process, so that a test that waits for npm does not block it. Fork it with its storage folder,
// the registry for other packages and, if that needs one, the file of its certificates. It sends the port that it
// listens on.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { runServer } from "verdaccio";

const [folder, upstream, ca] = process.argv.slice(2);
const server = await runServer({
  storage: join(folder, "storage"),
  self_path: folder,
  auth: { htpasswd: { file: join(folder, "users"), max_users: -1 } },
  // By default, the registry refuses everything for a while after two failures.
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
    // Our packages come only from here. A missing one is an error and is never fetched from elsewhere.
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
