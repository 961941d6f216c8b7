// VitePress is a package of its own, installed when the site is first built.

import { fileURLToPath } from "node:url";
import { install } from "../../test/support/install.js";

/** Installs VitePress, unless it is there. */
export default function installVitePress() {
  install(fileURLToPath(new URL(".", import.meta.url)), "VitePress");
}
