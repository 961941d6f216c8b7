// What the tests of the published packages run is a package of its own, installed when a part of the tests first wants it.

import { fileURLToPath } from "node:url";
import { install } from "../support/install.js";

/** Installs the registry and the tools, unless they are there. */
export default function installTools() {
  install(fileURLToPath(new URL(".", import.meta.url)), "The registry and the tools");
}
