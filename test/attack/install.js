// Installs old versions of ws, which are a separate package, when the attacks first run.

import { fileURLToPath } from "node:url";
import { install } from "../support/install.js";

/** Installs the old versions if they are missing. */
export default function installVersions() {
  install(fileURLToPath(new URL(".", import.meta.url)), "The old versions of ws");
}
