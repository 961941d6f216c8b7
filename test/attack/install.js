// The old versions of ws are a package of their own, installed when the attacks are first run.

import { fileURLToPath } from "node:url";
import { install } from "../support/install.js";

/** Installs the old versions, unless they are there. */
export default function installVersions() {
  install(fileURLToPath(new URL(".", import.meta.url)), "The old versions of ws");
}
