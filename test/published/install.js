// Installs the tools of these tests, which are a separate package, when a part of the tests first needs them.

import { fileURLToPath } from "node:url";
import { install } from "../support/install.js";

/** Installs the registry and the tools if they are missing. */
export default function installTools() {
  install(fileURLToPath(new URL(".", import.meta.url)), "The registry and the tools");
}
