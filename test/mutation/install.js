// Installs StrykerJS, which is a separate package, when mutation testing first runs.

import { fileURLToPath } from "node:url";
import { install } from "../support/install.js";

/** Installs StrykerJS if it is missing. */
export default function installStryker() {
  install(fileURLToPath(new URL(".", import.meta.url)), "StrykerJS");
}
