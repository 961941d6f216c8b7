// Rebuilds dist/ and build/ before the tests if they are older than their sources.

import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { npm } from "./npm.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** The last file that the build writes. */
const LAST = join(root, "build/inspector/server.js");

export default function setup(): void {
  const built = statSync(LAST, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const sources = ["src", "assembly", "scripts"].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: "utf8" }).map((name) => join(root, folder, name)),
  );
  const isOld = [...sources, join(root, "package.json")].some((file) => statSync(file).mtimeMs > built);
  if (isOld) npm(["run", "--silent", "build"], root);
}
