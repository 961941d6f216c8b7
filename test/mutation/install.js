// StrykerJS is a package of its own, installed when mutation testing first wants it.

import { fileURLToPath } from "node:url";
import { install } from "../support/install.js";

/** Installs StrykerJS, unless it is there. */
export default function installStryker() {
  install(fileURLToPath(new URL(".", import.meta.url)), "StrykerJS");
}
