// HOW from `--compressed HOW`, or undefined without that option. With it, the server uses permessage-deflate and
// compresses every message, even short ones.

import process from "node:process";

const at = process.argv.indexOf("--compressed");

export const compressed = at === -1 ? undefined : process.argv[at + 1];
