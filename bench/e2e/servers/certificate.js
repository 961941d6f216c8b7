// `{ key, cert }` from `--tls KEY CERTIFICATE`, which are PEM files, or undefined without that option.

import { readFileSync } from "node:fs";
import process from "node:process";

const at = process.argv.indexOf("--tls");

export const certificate =
  at === -1
    ? undefined
    : { key: readFileSync(process.argv[at + 1], "utf8"), cert: readFileSync(process.argv[at + 2], "utf8") };
