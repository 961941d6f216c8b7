// The runtimes are a package of their own, installed when a part of the tests first wants them.

import { fileURLToPath } from "node:url";
import { install } from "../support/install.js";

/** Installs the runtimes, unless they are there. */
export default function installRuntimes() {
  install(fileURLToPath(new URL(".", import.meta.url)), "The runtimes");
}
