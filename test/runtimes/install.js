// Installs the runtimes, which are a separate package, when a part of the tests first needs them.

import { fileURLToPath } from "node:url";
import { install } from "../support/install.js";

/** Installs the runtimes if they are missing. */
export default function installRuntimes() {
  install(fileURLToPath(new URL(".", import.meta.url)), "The runtimes");
}
